using CozeCluster.Upstreams.Shared.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Claude;

/// <summary>
/// Anthropic's Messages API (<c>api.anthropic.com</c>, or a compatible server): <c>POST /v1/messages</c> with a stream. <see cref="ClaudeLimits"/> describes
/// all timeouts and retries.
/// </summary>
internal sealed class ClaudeUpstream : IUpstream, IDisposable
{
    /// <summary>The name of this upstream in fleets.</summary>
    public const string UpstreamName = UpstreamNames.Claude;

    private readonly UpstreamHttp _connections;
    private readonly ClaudeHttp _http;
    private readonly IBlobStore _blobs;
    private readonly ClaudeFiles _files;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public ClaudeUpstream(ISecretSeal seal, IBlobStore blobs, TimeProvider time, ILogger<ClaudeUpstream> logger)
    {
        seal = new NotingSeal(seal);
        _connections = new UpstreamHttp(seal);
        _http = new ClaudeHttp(_connections, seal, time, logger);
        _blobs = blobs;
        _files = new ClaudeFiles(blobs, logger);
        _time = time;
        _logger = logger;
    }

    /// <inheritdoc />
    public string Name => UpstreamName;

    /// <inheritdoc />
    public bool CanReattach(BotDefinition bot) => false;

    /// <inheritdoc />
    public bool IsLanguageModel => true;

    /// <inheritdoc />
    public async ValueTask<IExchange> Open(UpstreamTurn turn, CancellationToken cancellationToken)
    {
        var options = ClaudeBotOptions.Parse(turn.Bot);
        var (messages, files) = await _files.Inspect(turn, cancellationToken).ConfigureAwait(false);
        var plan = new ClaudePlan(turn, options, ClaudePrompt.FromMessages(messages, ClaudePlan.CanPrefill(turn)));
        var content = ClaudeRequest.Create(turn, plan, files, _blobs);
        var stream = await _http.OpenStream(turn, options.Beta, content, cancellationToken).ConfigureAwait(false);
        return new ClaudeExchange(turn, stream, plan.AnswerTool, _time, _logger);
    }

    /// <inheritdoc />
    public ValueTask<IExchange> Attach(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken) =>
        throw new NotSupportedException("A reply of Claude ends with its connection.");

    /// <summary>Does nothing: Claude has no such request. Disposing the exchange closes its connection, and Claude stops.</summary>
    public ValueTask Cancel(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken) => default;

    /// <inheritdoc />
    public void Dispose() => _connections.Dispose();
}
