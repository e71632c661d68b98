namespace CozeCluster.Sandbox.Discord;

/// <summary>The effect of a <see cref="RestFault"/> on a request.</summary>
public enum RestFaultKind
{
    /// <summary>A 429 with the scope and wait of the fault. The request is not executed.</summary>
    RateLimit,

    /// <summary>The status of the fault, with an error body (HTML for 502 to 504). The request is not executed.</summary>
    Status,

    /// <summary>The connection is aborted. The request is not executed.</summary>
    Cut,

    /// <summary>The request is executed, then the connection is aborted. The client cannot know whether it was executed.</summary>
    LoseAnswer,

    /// <summary>The request is executed at once. The response is delayed by the wait of the fault.</summary>
    DelayAnswer,
}

/// <summary>A fault that is injected into the next matching REST requests.</summary>
public sealed record RestFault
{
    /// <summary>The effect of the fault.</summary>
    public required RestFaultKind Kind { get; init; }

    /// <summary>The number of affected requests, at least 1. Default: 1.</summary>
    public int Times { get; init; } = 1;

    /// <summary>
    /// Affects only requests whose <c>METHOD /path</c>, without the API version, contains this text, such as <c>POST /channels/</c>. Null:
    /// all routes.
    /// </summary>
    public string? Route { get; init; }

    /// <summary>Affects only requests of this user. Null: all users.</summary>
    public string? UserId { get; init; }

    /// <summary>For <see cref="RestFaultKind.RateLimit"/>: <c>user</c>, <c>global</c> or <c>shared</c>. Default: user.</summary>
    public string Scope { get; init; } = "user";

    /// <summary>For <see cref="RestFaultKind.Status"/>: the HTTP status. Default: 500.</summary>
    public int Status { get; init; } = 500;

    /// <summary>The <c>retry_after</c> of a 429, or the delay of a response. Default: 1 s.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Whether the fault affects a request.</summary>
    /// <param name="request">Method and path, without the API version.</param>
    /// <param name="user">The user who sent it.</param>
    internal bool Matches(string request, DiscordUser? user) =>
        (Route is null || request.Contains(Route, StringComparison.OrdinalIgnoreCase)) && (UserId is null || UserId == user?.Id.ToString());
}
