namespace CozeCluster.Sandbox.Discord;

/// <summary>What a <see cref="RestFault"/> does to a request.</summary>
public enum RestFaultKind
{
    /// <summary>429 with the fault's scope and wait; nothing is done.</summary>
    RateLimit,

    /// <summary>The fault's status with an error body (HTML for 502 to 504); nothing is done.</summary>
    Status,

    /// <summary>The connection is cut before anything is done.</summary>
    Cut,

    /// <summary>The request is carried out, then the connection is cut: the sender cannot know.</summary>
    LoseAnswer,

    /// <summary>The request is carried out at once, the answer held back for the fault's wait.</summary>
    DelayAnswer,
}

/// <summary>Something that goes wrong with the next fitting REST requests.</summary>
public sealed record RestFault
{
    /// <summary>What goes wrong.</summary>
    public required RestFaultKind Kind { get; init; }

    /// <summary>How many requests it hits, at least 1. Default: 1.</summary>
    public int Times { get; init; } = 1;

    /// <summary>Only requests whose <c>METHOD /path</c> below the version contains this, such as <c>POST /channels/</c>. Null: all.</summary>
    public string? Route { get; init; }

    /// <summary>Only requests of this user. Null: all.</summary>
    public string? UserId { get; init; }

    /// <summary>For <see cref="RestFaultKind.RateLimit"/>: <c>user</c>, <c>global</c> or <c>shared</c>. Default: user.</summary>
    public string Scope { get; init; } = "user";

    /// <summary>For <see cref="RestFaultKind.Status"/>: the HTTP status. Default: 500.</summary>
    public int Status { get; init; } = 500;

    /// <summary>The <c>retry_after</c> of a 429, or the delay of an answer. Default: 1 s.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.FromSeconds(1);
}

/// <summary>The faults that wait for their request.</summary>
internal sealed class RestFaults
{
    private readonly Lock _gate = new();
    private readonly List<(RestFault Fault, int Left)> _waiting = [];

    public void Add(RestFault fault)
    {
        lock (_gate) _waiting.Add((fault, fault.Times));
    }

    /// <summary>Uses up the oldest fault that fits the request.</summary>
    public RestFault? Take(string request, DiscordUser? user)
    {
        lock (_gate)
        {
            for (var i = 0; i < _waiting.Count; i++)
            {
                var (fault, left) = _waiting[i];
                if (fault.Route is not null && !request.Contains(fault.Route, StringComparison.OrdinalIgnoreCase)) continue;
                if (fault.UserId is not null && fault.UserId != user?.Id.ToString()) continue;
                if (left == 1) _waiting.RemoveAt(i);
                else _waiting[i] = (fault, left - 1);
                return fault;
            }
            return null;
        }
    }

    public void Clear()
    {
        lock (_gate) _waiting.Clear();
    }
}
