namespace CozeCluster.Gateway;

/// <summary>How the gateway behaves. Checked when the node starts.</summary>
public sealed class GatewayOptions
{
    /// <summary>The largest request body in bytes, 1 KB to 1 GB. Default: 32 MB. Larger ones get 413.</summary>
    public long MaxBodyBytes { get; set; } = 32L << 20;

    /// <summary>
    /// How long a streamed response waits for its first content before it starts without any, 0 to 60 s. Default: 2 s. An error that comes within it is
    /// answered with its own HTTP status; a later one can only be told inside the stream.
    /// </summary>
    public TimeSpan StartGrace { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a started stream may be quiet before a keep-alive comment is written, 1 to 300 s. Default: 3 s.</summary>
    public TimeSpan KeepAlive { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Origins whose pages may call the API (<c>https://chat.example.com</c>). Default: none named, which means any.</summary>
    public IList<string> CorsOrigins { get; } = [];

    /// <summary>Whether <c>/swagger</c> and <c>/openapi/v1.json</c> are served. Default: yes.</summary>
    public bool Swagger { get; set; } = true;

    /// <summary>How long turns are taken after the node was told to stop, while it says already that it is not ready, 0 to 5 min. Default: 0 s.</summary>
    public TimeSpan DrainNotice { get; set; }

    /// <summary>Whether other nodes serve the same turns, so that a client whose node stops may go on elsewhere. Default: no.</summary>
    public bool OthersGoOn { get; set; }

    /// <summary>
    /// Whether the node listens before it is connected to its cluster, as one without a silo does. Requests that need grains get 503 until its host has
    /// started. Default: no.
    /// </summary>
    public bool ListensBeforeConnected { get; set; }

    /// <summary>What is wrong with these options; null if nothing is.</summary>
    internal string? Problem() => this switch
    {
        { MaxBodyBytes: < 1024 or > 1L << 30 } => $"{nameof(MaxBodyBytes)} must be between 1 KB and 1 GB.",
        _ when StartGrace < TimeSpan.Zero || StartGrace > TimeSpan.FromSeconds(60) => $"{nameof(StartGrace)} must be between 0 and 60 s.",
        _ when KeepAlive < TimeSpan.FromSeconds(1) || KeepAlive > TimeSpan.FromSeconds(300) => $"{nameof(KeepAlive)} must be between 1 and 300 s.",
        _ when DrainNotice < TimeSpan.Zero || DrainNotice > TimeSpan.FromMinutes(5) => $"{nameof(DrainNotice)} must be between 0 and 5 min.",
        _ => CorsOrigins.FirstOrDefault(origin => !Uri.TryCreate(origin, UriKind.Absolute, out _)) is { } origin
            ? $"{nameof(CorsOrigins)}: '{origin}' is not an origin (scheme://host[:port])."
            : null,
    };
}

internal sealed class GatewayOptionsCheck : Microsoft.Extensions.Options.IValidateOptions<GatewayOptions>
{
    public Microsoft.Extensions.Options.ValidateOptionsResult Validate(string? name, GatewayOptions options) =>
        options.Problem() is { } problem ? Microsoft.Extensions.Options.ValidateOptionsResult.Fail(problem) : Microsoft.Extensions.Options.ValidateOptionsResult.Success;
}
