using CozeCluster.Upstreams.Shared.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Gemini;

/// <summary>
/// Google's Gemini API: <c>streamGenerateContent</c>. Its bots are models. The API keeps nothing of a request, so a reply whose connection broke is lost, and
/// closing the connection is all that cancels it. <see cref="GeminiLimits"/> describes limits and retries.
/// </summary>
internal sealed class GeminiUpstream : IUpstream, IDisposable
{
    private readonly UpstreamHttp _http;
    private readonly GeminiHttp _client;
    private readonly GeminiCallIds _ids;
    private readonly IBlobStore _blobs;
    private readonly ISafeFetcher _fetcher;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public GeminiUpstream(ISecretSeal seal, IBlobStore blobs, ISafeFetcher fetcher, TimeProvider time, ILogger<GeminiUpstream> logger)
    {
        seal = new NotingSeal(seal);
        _http = new UpstreamHttp(seal);
        _client = new GeminiHttp(_http, seal, time, logger);
        _ids = new GeminiCallIds(time);
        _blobs = blobs;
        _fetcher = fetcher;
        _time = time;
        _logger = logger;
    }

    /// <inheritdoc />
    public string Name => GeminiApi.UpstreamName;

    /// <inheritdoc />
    public bool CanReattach(BotDefinition bot) => false;

    /// <inheritdoc />
    public bool IsLanguageModel => true;

    /// <inheritdoc />
    public async ValueTask<IExchange> Open(UpstreamTurn turn, CancellationToken cancellationToken)
    {
        var model = GeminiModel.Parse(turn.Bot);
        var tools = new GeminiTools(model, turn.Settings);
        var body = await BuildRequest(turn, model, tools, cancellationToken).ConfigureAwait(false);
        var path = model.Path("streamGenerateContent") + "?alt=sse";
        var stream = await _client.OpenStream(turn.Account, path, body, cancellationToken).ConfigureAwait(false);
        return new GeminiExchange(turn, stream, tools.AnswerTool, _ids, _blobs, _time, _logger);
    }

    /// <inheritdoc />
    public ValueTask<IExchange> Attach(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Gemini does not keep replies.");

    /// <inheritdoc />
    public ValueTask Cancel(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken) => default;

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    private async Task<ReadOnlyMemory<byte>> BuildRequest(UpstreamTurn turn, GeminiModel model, GeminiTools tools, CancellationToken cancellationToken)
    {
        var options = GeminiBotOptions.Parse(turn.Bot);
        try
        {
            var media = new GeminiMedia(_blobs, _fetcher, _logger);
            await media.Load(turn, cancellationToken).ConfigureAwait(false);
            var (system, contents) = GeminiContents.FromMessages(turn.Messages, model, _ids, media);
            return GeminiRequest.Write(model, options, turn.Settings, tools, system, contents);
        }
        catch (OperationCanceledException e)
        {
            throw new PromptNotSentException(e);
        }
    }
}
