namespace CozeCluster.Discord;

/// <summary>What of a session outlives its socket.</summary>
internal sealed class GatewaySession
{
    /// <summary>Events are told since a little earlier than they may be missing: clocks differ, and events travel.</summary>
    public static readonly TimeSpan Margin = TimeSpan.FromSeconds(10);

    private string? _id;

    /// <summary>The session's id; null: there is none to resume.</summary>
    public string? Id => _id;

    /// <summary>Where to resume it; null: where it began.</summary>
    public string? ResumeUrl { get; private set; }

    /// <summary>The number of the last dispatch.</summary>
    public long? Sequence { get; set; }

    /// <summary>When the stream of events was last known to be whole.</summary>
    public DateTimeOffset LastHeard { get; set; }

    /// <summary>Since when events may be missing, because a session was lost; null: none is.</summary>
    public DateTimeOffset? LostSince { get; set; }

    /// <summary>A session began.</summary>
    public void Begin(string id, string? resumeUrl) => (_id, ResumeUrl) = (id, string.IsNullOrEmpty(resumeUrl) ? null : resumeUrl);

    /// <summary>The session is lost.</summary>
    public void Forget()
    {
        if (_id is null) return;
        LostSince ??= LastHeard - Margin;
        (_id, ResumeUrl, Sequence) = (null, null, null);
    }
}
