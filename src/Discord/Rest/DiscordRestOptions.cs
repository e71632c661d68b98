namespace CozeCluster.Discord;

/// <summary>The kind of a token, which decides how it is sent.</summary>
internal enum DiscordTokenKind
{
    /// <summary>The token of an application's bot: <c>Authorization: Bot …</c>.</summary>
    Bot,

    /// <summary>
    /// The token of a person's account, sent without a prefix. Discord's terms forbid automating such accounts; the operator has to allow them explicitly.
    /// </summary>
    User,
}

/// <summary>How one token is used with Discord's REST API.</summary>
/// <param name="Name">The account's or listener's id in the fleet, for errors and logs.</param>
/// <param name="Token">The secret.</param>
/// <param name="Kind">Bot or person.</param>
internal sealed record DiscordRestOptions(string Name, string Token, DiscordTokenKind Kind)
{
    /// <summary>Discord's own address.</summary>
    public const string DefaultBaseUrl = "https://discord.com/api/v10";

    /// <summary>The form that Discord requires of bots (its API reference, "User Agent").</summary>
    public const string DefaultUserAgent = "DiscordBot (https://cozecluster.example, 0.1)";

    /// <summary>The address of the API, with its version and without a trailing slash.</summary>
    public string BaseUrl { get; init; } = DefaultBaseUrl;

    /// <summary>
    /// Sent unchanged. Bots must use the form that Discord requires; for persons' accounts the operator chooses, and nothing else about their requests is
    /// disguised.
    /// </summary>
    public string UserAgent { get; init; } = DefaultUserAgent;

    /// <summary>How long one attempt may take, including the response's body. Default 60 s, because uploads are slow.</summary>
    public TimeSpan AttemptTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How long a request may wait for rate limits, for requests before it, and for retries, unless the request has its own value. A request that is known to
    /// need longer fails at once. Default 60 s.
    /// </summary>
    public TimeSpan MaxWait { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Retries when the connection breaks or Discord fails, 0 or more. Waiting for rate limits does not count. Default 4.</summary>
    public int MaxRetries { get; init; } = 4;

    /// <summary>Requests per second over all routes; 0: no limit. Default: Discord's 50.</summary>
    public int RequestsPerSecond { get; init; } = 50;

    /// <summary>Does not contain the token.</summary>
    public override string ToString() => $"{Name} ({Kind})";
}
