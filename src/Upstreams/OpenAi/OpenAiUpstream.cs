using CozeCluster.Upstreams.Shared.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.OpenAi;

/// <summary>OpenAI's API, and every server with the same API by its base URL. A model keeps no conversation, so each prompt is the whole history.</summary>
internal sealed class OpenAiUpstream : IUpstream, IDisposable
{
    /// <summary>The name of this upstream in fleets.</summary>
    public const string UpstreamName = UpstreamNames.OpenAi;

    private readonly UpstreamHttp _http;
    private readonly OpenAiHttp _client;
    private readonly OpenAiMedia _media;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public OpenAiUpstream(ISecretSeal seal, IBlobStore blobs, ISafeFetcher fetcher, TimeProvider time, ILogger<OpenAiUpstream> logger)
    {
        seal = new NotingSeal(seal);
        _http = new UpstreamHttp(seal);
        _client = new OpenAiHttp(_http, seal, time, logger);
        _media = new OpenAiMedia(blobs, fetcher, logger);
        _time = time;
        _logger = logger;
    }

    /// <inheritdoc />
    public string Name => UpstreamName;

    /// <inheritdoc />
    public bool CanReattach => false;

    /// <inheritdoc />
    public bool IsLanguageModel => true;

    /// <inheritdoc />
    public async ValueTask<IExchange> Open(UpstreamTurn turn, CancellationToken cancellationToken)
    {
        var options = OpenAiBotOptions.Parse(turn.Bot);
        var media = await _media.Load(turn, cancellationToken).ConfigureAwait(false);
        var body = new OpenAiChatRequest(turn, options, media).Write();
        var stream = await _client.OpenStream(turn.Account, HttpMethod.Post, "/chat/completions", body, cancellationToken).ConfigureAwait(false);
        return new OpenAiExchange(turn, stream, _time, _logger);
    }

    /// <inheritdoc />
    public ValueTask<IExchange> Attach(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken) =>
        throw new NotSupportedException("A chat completion cannot be found again.");

    /// <summary>Closing the connection has stopped the server.</summary>
    public ValueTask Cancel(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();
}
