namespace CozeCluster.Discord;

/// <summary>A request to Discord's REST API.</summary>
/// <param name="Route">Where it goes.</param>
/// <param name="Resend">Whether it may be sent again.</param>
internal sealed record DiscordRequest(Route Route, Resend Resend)
{
    /// <summary>Creates the body, once for each attempt; null: no body.</summary>
    public Func<CancellationToken, ValueTask<HttpContent>>? Body { get; init; }

    /// <summary>Overrides <see cref="DiscordRestOptions.MaxWait"/>; null: that value.</summary>
    public TimeSpan? MaxWait { get; init; }
}

/// <summary>The method and path of a request, and what its rate limit depends on.</summary>
/// <param name="Method">HTTP method.</param>
/// <param name="Template">
/// Path with names instead of ids: requests with the same method and template share rate limits. A constant, so that lookups do not allocate.
/// </param>
/// <param name="Path">Path and query below the base URL.</param>
/// <param name="Major">The channel or guild that the limit is counted for; none where the route has no such id.</param>
internal readonly record struct Route(HttpMethod Method, string Template, string Path, Snowflake Major = default)
{
    /// <summary>Whether requests of this route and major id must arrive in the order in which they were made.</summary>
    public bool IsOrdered { get; init; }

    /// <summary>Method and template only, for logs.</summary>
    public override string ToString() => $"{Method} {Template}";
}

/// <summary>Whether a request may be sent again when its outcome is unknown.</summary>
internal enum Resend
{
    /// <summary>The request is idempotent.</summary>
    Always,

    /// <summary>The request carries a nonce, by which Discord recognizes it for some minutes.</summary>
    ByNonce,

    /// <summary>A second request would have a second effect.</summary>
    Never,
}
