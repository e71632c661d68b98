namespace CozeCluster.Discord;

/// <summary>A request's place in the API, and among the rate limits.</summary>
/// <param name="Method">HTTP method.</param>
/// <param name="Template">Path with names in place of ids: routes of one method and template share limits. Constant, so that keys cost no allocation.</param>
/// <param name="Path">Path and query below the base URL.</param>
/// <param name="Major">The channel or guild it is limited by; none where the route has no such id.</param>
internal readonly record struct Route(HttpMethod Method, string Template, string Path, Snowflake Major = default)
{
    /// <summary>Whether requests of this route and major id must arrive in the order they were made.</summary>
    public bool IsOrdered { get; init; }

    /// <summary>For logs: nothing but method and template.</summary>
    public override string ToString() => $"{Method} {Template}";
}

/// <summary>Whether a request may be sent again when nobody knows what became of it.</summary>
internal enum Resend
{
    /// <summary>Sending it twice ends the same.</summary>
    Always,

    /// <summary>It carries a nonce, by which Discord knows it again for some minutes.</summary>
    ByNonce,

    /// <summary>Twice would be two things.</summary>
    Never,
}

/// <summary>A request to be sent.</summary>
/// <param name="Route">Where.</param>
/// <param name="Resend">Whether it may be sent again.</param>
internal sealed record DiscordCall(Route Route, Resend Resend)
{
    /// <summary>Makes the body, anew for each attempt.</summary>
    public Func<CancellationToken, ValueTask<HttpContent>>? Body { get; init; }

    /// <summary>See <see cref="DiscordRestOptions.MaxWait"/>; null: as there.</summary>
    public TimeSpan? MaxWait { get; init; }
}
