using CozeCluster.Upstreams.Shared.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.OpenAi;

/// <summary>
/// OpenAI's API, and every server with the same API by its base URL: chat completions, or responses if the bot's options say so. A model keeps no conversation,
/// so each prompt is the whole history.
/// </summary>
internal sealed class OpenAiUpstream : IUpstream, IDisposable
{
    /// <summary>The name of this upstream in fleets.</summary>
    public const string UpstreamName = UpstreamNames.OpenAi;

    private readonly UpstreamHttp _http;
    private readonly OpenAiHttp _client;
    private readonly OpenAiResponses _responses;
    private readonly OpenAiMedia _media;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public OpenAiUpstream(ISecretSeal seal, IBlobStore blobs, ISafeFetcher fetcher, TimeProvider time, ILogger<OpenAiUpstream> logger)
    {
        seal = new NotingSeal(seal);
        _http = new UpstreamHttp(seal);
        _client = new OpenAiHttp(_http, seal, time, logger);
        _responses = new OpenAiResponses(_client);
        _media = new OpenAiMedia(blobs, fetcher, logger);
        _time = time;
        _logger = logger;
    }

    /// <inheritdoc />
    public string Name => UpstreamName;

    /// <summary>Only background responses continue without their connection.</summary>
    public bool CanReattach(BotDefinition bot) => OpenAiBotOptions.TryParse(bot.Options, out var options, out _) && options.IsBackground;

    /// <inheritdoc />
    public bool IsLanguageModel => true;

    /// <inheritdoc />
    public async ValueTask<IExchange> Open(UpstreamTurn turn, CancellationToken cancellationToken)
    {
        var options = OpenAiBotOptions.Parse(turn.Bot);
        var media = await LoadMedia(turn, cancellationToken).ConfigureAwait(false);
        var (path, body) = options.UsesResponses
            ? (OpenAiResponses.Path, new OpenAiResponseRequest(turn, options, media).Write())
            : ("/chat/completions", new OpenAiChatRequest(turn, options, media).Write());
        var stream = await _client.OpenStream(turn.Account, HttpMethod.Post, path, body, cancellationToken).ConfigureAwait(false);
        return options.UsesResponses
            ? new OpenAiResponseExchange(turn, stream, options.IsBackground, _responses, _time, _logger)
            : new OpenAiExchange(turn, stream, _time, _logger);
    }

    /// <inheritdoc />
    public ValueTask<IExchange> Attach(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken) =>
        OpenAiResponseReply.IdOf(handle) is { } id
            ? new(new OpenAiResponseExchange(turn, id, _responses, _time, _logger))
            : throw new ClusterException(
                ErrorCode.UpstreamOutcomeUnknown, "The prompt was sent to the model, but its reply cannot be read again: it is no background response.");

    /// <summary>Cancels a background response. Any other reply has stopped with its connection.</summary>
    public async ValueTask Cancel(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken)
    {
        if (OpenAiResponseReply.IdOf(handle) is not { } id) return;
        try
        {
            await _responses.Cancel(turn.Account, id, cancellationToken).ConfigureAwait(false);
        }
        catch (ClusterException e) when (e.Code is ErrorCode.UpstreamInvalidRequest or ErrorCode.UpstreamNotFound)
        {
            _logger.NothingToCancel(turn.TurnId, id);
        }
    }

    /// <summary>Deletes a background response, which the server had to store, unless the bot's options want it to be kept.</summary>
    public async ValueTask Release(UpstreamTurn turn, UpstreamHandle handle)
    {
        if (OpenAiResponseReply.IdOf(handle) is not { } id) return;
        if (OpenAiBotOptions.TryParse(turn.Bot.Options, out var options, out _) && options.Store) return;
        using var timeout = new CancellationTokenSource(OpenAiLimits.DeleteTimeout, _time);
        try
        {
            await _responses.Delete(turn.Account, id, timeout.Token).ConfigureAwait(false);
        }
        catch (ClusterException e) when (e.Code == ErrorCode.UpstreamNotFound)
        {
            // It has expired.
        }
    }

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    private async ValueTask<IReadOnlyDictionary<ContentPart, LoadedMedia>> LoadMedia(UpstreamTurn turn, CancellationToken cancellationToken)
    {
        try
        {
            return await _media.Load(turn, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException e)
        {
            throw new PromptNotSentException(e);
        }
    }
}
