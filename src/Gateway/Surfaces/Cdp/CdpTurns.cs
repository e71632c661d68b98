using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Chat;
using CozeCluster.Gateway.Surfaces.Health;
using CozeCluster.Gateway.Surfaces.Models;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Cdp;

/// <summary>Starts the turns of requests for chats and images.</summary>
internal sealed class CdpTurns(Readiness readiness, IFleetView fleet, CdpServers servers, TurnStarter turns, TimeProvider time)
{
    /// <summary>Starts a turn.</summary>
    /// <param name="context">The request.</param>
    /// <param name="chat">The prompt; its model is the name that the client has sent, or empty.</param>
    /// <param name="channelId">The channel that the client has chosen; null: none.</param>
    /// <returns>The turn, which the caller must dispose, and its name for the model.</returns>
    public async ValueTask<(StartedTurn Turn, CompletionInfo Info)> Start(HttpContext context, ChatRequest chat, string? channelId)
    {
        readiness.ThrowIfDraining();
        var (info, key) = (RequestInfo.Of(context), RequestInfo.KeyOf(context));
        info.PromptLength = chat.PromptLength;
        var name = chat.Model.Length > 0 ? chat.Model : DefaultModel(key);
        var model = fleet.RequireModel(key, name);
        info.Model = model.Id;

        var headers = TurnHeaders.Read(context.Request, chat);
        if (channelId is not null && headers.ConversationName is not null)
        {
            throw new ClusterException(
                ErrorCode.InvalidRequest, "A named conversation has a channel of its own. Omit 'channelId' or the header 'x-conversation-id'.", "channelId");
        }
        var channel = channelId is null ? null : await servers.FindChannel(key.TenantId, model, channelId);
        var turn = await turns.Start(key, chat with { Model = model.Id, Channel = channel }, headers, context.RequestAborted);
        RequestInfo.SetTurn(context, turn.Id);
        return (turn, new CompletionInfo(turn.Id, name, time.GetUtcNow().ToUnixTimeSeconds(), headers.ConversationName));
    }

    /// <summary>Ends the reply with an error if it takes too long for its client. The turn is cancelled then.</summary>
    /// <param name="reader">Reads the reply.</param>
    /// <param name="timeout">How long it may take, or pause; null: no limit.</param>
    public CdpDeadline Limit(ReplyReader reader, TimeSpan? timeout) => new(reader, timeout, time);

    /// <summary>A request without a model is answered by any model.</summary>
    private string DefaultModel(RequestKey key) =>
        fleet.FindTenant(key.TenantId)?.DefaultModel ?? fleet.ListModels(key).FirstOrDefault()?.Id ?? "";
}

/// <summary>The time that a client gives a reply.</summary>
internal sealed class CdpDeadline : IDisposable
{
    private readonly ITimer? _timer;
    private readonly TimeSpan _timeout;

    public CdpDeadline(ReplyReader reader, TimeSpan? timeout, TimeProvider time)
    {
        if (timeout is not { } limit) return;
        _timeout = limit;
        _timer = time.CreateTimer(
            static state => ((ReplyReader)state!).EndEarly(new Error(ErrorCode.UpstreamTimeout, CdpErrors.TimedOut)), reader, limit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Something has arrived: the time begins again.</summary>
    public void Restart() => _timer?.Change(_timeout, Timeout.InfiniteTimeSpan);

    public void Dispose() => _timer?.Dispose();
}
