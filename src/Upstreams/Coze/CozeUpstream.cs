using CozeCluster.Upstreams.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Coze;

/// <summary>Coze's Open API (api.coze.com, api.coze.cn, or a server of one's own): <c>/v3/chat</c> and what belongs to it.</summary>
internal sealed class CozeUpstream : IUpstream, IDisposable
{
    /// <summary>The name fleets use.</summary>
    public const string UpstreamName = "coze";

    private readonly UpstreamHttp _http;
    private readonly CozeClient _client;
    private readonly CozeFiles _files;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public CozeUpstream(ISecretSeal seal, IBlobStore blobs, TimeProvider time, ILogger<CozeUpstream> logger)
    {
        _http = new UpstreamHttp(seal);
        var http = new CozeHttp(_http, time, logger);
        _client = new CozeClient(http, new CozeTokens(http, seal, time, logger));
        _files = new CozeFiles(_client, blobs, time);
        _time = time;
        _logger = logger;
    }

    /// <inheritdoc />
    public string Name => UpstreamName;

    /// <inheritdoc />
    public bool CanReattach => true;

    /// <inheritdoc />
    public async ValueTask<IExchange> Open(UpstreamTurn turn, CancellationToken cancellationToken)
    {
        var (path, body) = turn.ToolOutputs.Count > 0 ? Submission(turn) : await Chat(turn, cancellationToken).ConfigureAwait(false);
        var stream = await OpenStream(turn, path, body, cancellationToken).ConfigureAwait(false);
        _logger.Opened(turn.TurnId, turn.Account.Id, stream.LogId);
        return new CozeExchange(turn, stream, _time, _logger);
    }

    /// <inheritdoc />
    public ValueTask<IExchange> Attach(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken) =>
        new(new CozeAttach(turn, handle, _client, _time, _logger));

    /// <inheritdoc />
    public async ValueTask Cancel(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken)
    {
        if (!TryGetChat(handle, out var conversationId, out var chatId)) return;
        var body = CozeRequest.Cancel(conversationId, chatId);
        try
        {
            await _client.Send(turn.Account, "/v3/chat/cancel", () => CozeJson.Content(body), cancellationToken).ConfigureAwait(false);
        }
        catch (ClusterException e) when (e.Code is ErrorCode.UpstreamBusy or ErrorCode.UpstreamNotFound)
        {
            // Code 4104: it has ended; or it was never there.
            _logger.NothingToCancel(turn.TurnId, chatId);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    /// <summary>The ids by which Coze knows a chat.</summary>
    internal static bool TryGetChat(UpstreamHandle handle, out string conversationId, out string chatId)
    {
        conversationId = handle.Ids.GetValueOrDefault(CozeIds.Conversation, "");
        chatId = handle.Ids.GetValueOrDefault(CozeIds.Chat, "");
        return conversationId.Length > 0 && chatId.Length > 0;
    }

    // One turn at a time runs in a conversation of ours. If its last chat is in the way all the same, it waits for tool outputs that nobody is going to send any more,
    // or was not heard to be cancelled: the conversation goes on without it.
    private async Task<CozeStream> OpenStream(UpstreamTurn turn, string path, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var inTheWay = turn.ToolOutputs.Count == 0 ? turn.Conversation.GetValueOrDefault(CozeIds.Chat) : null;
        try
        {
            return await _client.OpenStream(turn.Account, path, body, cancellationToken).ConfigureAwait(false);
        }
        catch (ClusterException e) when (e.Code == ErrorCode.UpstreamBusy && inTheWay is not null)
        {
            _logger.CancelsToGoOn(turn.TurnId, inTheWay);
        }
        try
        {
            await Cancel(turn, new UpstreamHandle(turn.Bot.Id, turn.Account.Id, UpstreamName, turn.Conversation), cancellationToken).ConfigureAwait(false);
        }
        catch (ClusterException e)
        {
            // What matters is whether it is in the way still, which Coze tells once more.
            _logger.NotCancelled(turn.TurnId, inTheWay, e.Code);
        }
        return await _client.OpenStream(turn.Account, path, body, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<(string Path, ReadOnlyMemory<byte> Body)> Chat(UpstreamTurn turn, CancellationToken cancellationToken)
    {
        CozeRequest.CheckMetadata(turn.Metadata);
        var options = CozeOptions.Parse(turn.Bot);
        var prompts = CozeMessages.Map(turn.Messages);
        var fileIds = new Dictionary<string, string>();
        foreach (var part in prompts.SelectMany(prompt => prompt.Media))
        {
            if (CozeRequest.Source(part) is { Blob: { } blob } && !fileIds.ContainsKey(blob.Id))
                fileIds[blob.Id] = await _files.Upload(turn.Account, blob, cancellationToken).ConfigureAwait(false);
        }
        var conversationId = turn.Conversation.GetValueOrDefault(CozeIds.Conversation, "");
        var path = conversationId.Length == 0 ? "/v3/chat" : $"/v3/chat?conversation_id={Uri.EscapeDataString(conversationId)}";
        return (path, CozeRequest.Chat(turn, options, prompts, fileIds));
    }

    private static (string Path, ReadOnlyMemory<byte> Body) Submission(UpstreamTurn turn)
    {
        var conversationId = turn.Conversation.GetValueOrDefault(CozeIds.Conversation, "");
        var chatId = turn.Conversation.GetValueOrDefault(CozeIds.Chat, "");
        if (conversationId.Length == 0 || chatId.Length == 0)
            throw new ClusterException(ErrorCode.InvalidRequest, "No chat of this conversation waits for tool outputs.", "tool_outputs");
        return (
            $"/v3/chat/submit_tool_outputs?conversation_id={Uri.EscapeDataString(conversationId)}&chat_id={Uri.EscapeDataString(chatId)}",
            CozeRequest.ToolOutputs(turn.ToolOutputs));
    }
}
