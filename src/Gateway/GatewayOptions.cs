using Microsoft.Extensions.Options;

namespace CozeCluster.Gateway;

/// <summary>The options of the gateway. They are validated when the node starts.</summary>
public sealed class GatewayOptions
{
    /// <summary>The maximum size of a request body in bytes, 1 KB to 1 GB. Default: 32 MB. Larger bodies get 413.</summary>
    public long MaxBodyBytes { get; set; } = 32L << 20;

    /// <summary>
    /// The maximum size in bytes of all request bodies that the node receives at the same time, from <see cref="MaxBodyBytes"/> to 64 GB. One tenant can use a
    /// quarter of it. Default: 256 MB. A request for which there is no room gets 503, or 429 if its own tenant uses it all.
    /// </summary>
    public long MaxBodyBytesInFlight { get; set; } = 256L << 20;

    /// <summary>
    /// How long a streamed response waits for its first content before the response starts without content, 0 to 60 s. Default: 2 s. An error within this time
    /// is sent with its own HTTP status. A later error can only be sent inside the stream.
    /// </summary>
    public TimeSpan StartGrace { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a started stream may send nothing before the gateway writes a keep-alive comment, 1 to 300 s. Default: 3 s.</summary>
    public TimeSpan KeepAlive { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Origins whose pages may call the API (<c>https://chat.example.com</c>). Default: empty, which allows every origin.</summary>
    public IList<string> CorsOrigins { get; } = [];

    /// <summary>Whether <c>/swagger</c> and <c>/openapi/v1.json</c> are served. Default: true.</summary>
    public bool Swagger { get; set; } = true;

    /// <summary>
    /// How long the node still accepts turns after its shutdown has begun, 0 to 5 min. Default: 0 s. During this time it already reports that it is not ready.
    /// </summary>
    public TimeSpan DrainNotice { get; set; }

    /// <summary>Whether other nodes serve the same turns, so that a client can follow its turn on another node when this one stops. Default: false.</summary>
    public bool OtherNodesServeTurns { get; set; }

    /// <summary>
    /// Whether the node accepts HTTP requests before it is connected to its cluster, as a node without a silo does. Requests that need grains get 503 until the
    /// host has started. Default: false.
    /// </summary>
    public bool ServesBeforeConnected { get; set; }

    /// <summary>Validates the options.</summary>
    /// <returns>A description of the first invalid option; null if all are valid.</returns>
    internal string? FindError() => this switch
    {
        { MaxBodyBytes: < 1024 or > 1L << 30 } => $"{nameof(MaxBodyBytes)} must be between 1 KB and 1 GB.",
        _ when MaxBodyBytesInFlight < MaxBodyBytes || MaxBodyBytesInFlight > 64L << 30 =>
            $"{nameof(MaxBodyBytesInFlight)} must be between {nameof(MaxBodyBytes)} and 64 GB.",
        _ when StartGrace < TimeSpan.Zero || StartGrace > TimeSpan.FromSeconds(60) => $"{nameof(StartGrace)} must be between 0 and 60 s.",
        _ when KeepAlive < TimeSpan.FromSeconds(1) || KeepAlive > TimeSpan.FromSeconds(300) => $"{nameof(KeepAlive)} must be between 1 and 300 s.",
        _ when DrainNotice < TimeSpan.Zero || DrainNotice > TimeSpan.FromMinutes(5) => $"{nameof(DrainNotice)} must be between 0 and 5 min.",
        _ => CorsOrigins.FirstOrDefault(origin => !Uri.TryCreate(origin, UriKind.Absolute, out _)) is { } origin
            ? $"{nameof(CorsOrigins)}: '{origin}' is not an origin (scheme://host[:port])."
            : null,
    };
}

internal sealed class GatewayOptionsValidator : IValidateOptions<GatewayOptions>
{
    public ValidateOptionsResult Validate(string? name, GatewayOptions options) =>
        options.FindError() is { } error ? ValidateOptionsResult.Fail(error) : ValidateOptionsResult.Success;
}
