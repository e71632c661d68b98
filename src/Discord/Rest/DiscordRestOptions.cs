namespace CozeCluster.Discord;

/// <summary>Whose token it is, which decides how it is sent.</summary>
internal enum DiscordTokenKind
{
    /// <summary>An application's bot: <c>Authorization: Bot …</c>.</summary>
    Bot,

    /// <summary>A person's account: the bare token. Discord's terms forbid automating these; the operator opts in.</summary>
    User,
}

/// <summary>How one token talks to Discord's REST API.</summary>
/// <param name="Name">The account's or listener's id in the fleet: for errors and logs.</param>
/// <param name="Token">The secret.</param>
/// <param name="Kind">Bot or person.</param>
internal sealed record DiscordRestOptions(string Name, string Token, DiscordTokenKind Kind)
{
    /// <summary>Discord's own address.</summary>
    public const string DefaultBaseUrl = "https://discord.com/api/v10";

    /// <summary>What Discord asks of bots (its API reference, "User Agent").</summary>
    public const string DefaultUserAgent = "DiscordBot (https://cozecluster.example, 0.1)";

    /// <summary>With version, without trailing slash.</summary>
    public string BaseUrl { get; init; } = DefaultBaseUrl;

    /// <summary>Sent as it is. Bots must keep to Discord's form; for persons' accounts it is the operator's choice, and nothing else about them is disguised.</summary>
    public string UserAgent { get; init; } = DefaultUserAgent;

    /// <summary>How long one attempt may take, the answer's body included. Default 60 s: uploads take their time.</summary>
    public TimeSpan AttemptTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How long a call may spend waiting for limits, its turn and retries, unless the call says otherwise; where more is known to be needed it fails at once. Default 60 s.
    /// </summary>
    public TimeSpan MaxWait { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Attempts after the first when the connection breaks or Discord fails, 0 or more. Waiting for limits does not count. Default 4.</summary>
    public int MaxRetries { get; init; } = 4;

    /// <summary>Requests per second over all routes; 0: no limit. Default: Discord's 50.</summary>
    public int RequestsPerSecond { get; init; } = 50;

    /// <summary>Never the token.</summary>
    public override string ToString() => $"{Name} ({Kind})";
}
