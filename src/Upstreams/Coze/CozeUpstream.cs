using CozeCluster.Upstreams.Shared.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Coze;

/// <summary>
/// Coze's Open API (<c>api.coze.com</c>, <c>api.coze.cn</c>, or a server of your own): <c>/v3/chat</c> and the requests that belong to it.
/// <see cref="CozeLimits"/> describes all timeouts and retries.
/// </summary>
internal sealed class CozeUpstream : IUpstream, IDisposable
{
    /// <summary>The name of this upstream in fleets.</summary>
    public const string UpstreamName = "coze";

    private readonly UpstreamHttp _http;
    private readonly CozeClient _client;
    private readonly CozeFiles _files;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public CozeUpstream(ISecretSeal seal, IBlobStore blobs, TimeProvider time, ILogger<CozeUpstream> logger)
    {
        seal = new NotingSeal(seal);
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
    public bool CanReattach(BotDefinition bot) => true;

    /// <inheritdoc />
    public async ValueTask<IExchange> Open(UpstreamTurn turn, CancellationToken cancellationToken)
    {
        var (path, body) = turn.ToolOutputs.Count > 0 ? BuildToolOutputs(turn) : await BuildChat(turn, cancellationToken).ConfigureAwait(false);
        var stream = await OpenStream(turn, path, body, cancellationToken).ConfigureAwait(false);
        _logger.StreamOpened(turn.TurnId, turn.Account.Id, stream.RequestId);
        return new CozeExchange(turn, stream, _time, _logger);
    }

    /// <inheritdoc />
    public ValueTask<IExchange> Attach(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken) =>
        new(new CozePollingExchange(turn, handle, _client, _time, _logger));

    /// <inheritdoc />
    public async ValueTask Cancel(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken)
    {
        if (!CozeIds.TryGetChat(handle.Ids, out var conversationId, out var chatId)) return;
        var body = CozeRequest.Cancel(conversationId, chatId);
        try
        {
            await _client.Send(turn.Account, "/v3/chat/cancel", () => CozeJson.Content(body), cancellationToken).ConfigureAwait(false);
        }
        catch (ClusterException e) when (e.Code is ErrorCode.UpstreamBusy or ErrorCode.UpstreamNotFound)
        {
            // The chat has already ended (Coze's code 4104), or it does not exist.
            _logger.NothingToCancel(turn.TurnId, chatId);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    // CozeCluster runs one turn at a time in a conversation. If Coze still reports that the conversation is busy, its previous chat waits for tool outputs that
    // nobody will send, or its cancellation was lost. That chat is cancelled and the prompt is sent once more.
    private async Task<EventStream> OpenStream(UpstreamTurn turn, string path, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var previousChat = turn.ToolOutputs.Count == 0 ? turn.Conversation.GetValueOrDefault(CozeIds.Chat) : null;
        try
        {
            return await _client.OpenStream(turn.Account, path, body, cancellationToken).ConfigureAwait(false);
        }
        catch (ClusterException e) when (e.Code == ErrorCode.UpstreamBusy && previousChat is not null)
        {
            _logger.CancellingPreviousChat(turn.TurnId, previousChat);
        }
        try
        {
            await Cancel(turn, new UpstreamHandle(turn.Bot.Id, turn.Account.Id, UpstreamName, turn.Conversation), cancellationToken).ConfigureAwait(false);
        }
        catch (ClusterException e)
        {
            // Not decisive: the next request shows whether the conversation is still busy.
            _logger.PreviousChatNotCancelled(turn.TurnId, previousChat, e.Code);
        }
        return await _client.OpenStream(turn.Account, path, body, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<(string Path, ReadOnlyMemory<byte> Body)> BuildChat(UpstreamTurn turn, CancellationToken cancellationToken)
    {
        CozeRequest.CheckMetadata(turn.Metadata);
        var options = CozeBotOptions.Parse(turn.Bot);
        var prompts = CozePrompts.FromMessages(turn.Messages);
        var fileIds = new Dictionary<string, string>();
        foreach (var part in prompts.SelectMany(prompt => prompt.Media))
        {
            if (part.GetSource() is { Blob: { } blob } && !fileIds.ContainsKey(blob.Id))
                fileIds[blob.Id] = await _files.Upload(turn.Account, blob, cancellationToken).ConfigureAwait(false);
        }
        var conversationId = turn.Conversation.GetValueOrDefault(CozeIds.Conversation, "");
        var path = conversationId.Length == 0 ? "/v3/chat" : $"/v3/chat?conversation_id={Uri.EscapeDataString(conversationId)}";
        return (path, CozeRequest.Chat(turn, options, prompts, fileIds));
    }

    private static (string Path, ReadOnlyMemory<byte> Body) BuildToolOutputs(UpstreamTurn turn) =>
        CozeIds.TryGetChat(turn.Conversation, out var conversationId, out var chatId)
            ? ("/v3/chat/submit_tool_outputs" + CozeRequest.ChatQuery(conversationId, chatId), CozeRequest.ToolOutputs(turn.ToolOutputs))
            : throw new ClusterException(ErrorCode.InvalidRequest, "This conversation has no chat that is waiting for tool outputs.", "tool_outputs");
}
