namespace CozeCluster.Grains;

/// <summary>
/// What an activation keeps in memory of its conversation. Turns that have ended are not part of it, so its size does not grow with the history.
/// </summary>
internal sealed class ConversationMemory
{
    /// <summary>The tenant that the conversation belongs to; empty until the first turn.</summary>
    public string TenantId { get; private set; } = "";

    /// <summary>The client's name for the conversation; null without one.</summary>
    public string? Name { get; private set; }

    /// <summary>When the first turn was accepted.</summary>
    public DateTimeOffset CreatedAt { get; private set; }

    /// <summary>The stored head; null if there is none, or if the conversation was deleted.</summary>
    public ConversationHead? Head { get; private set; }

    /// <summary>The version of the stored head or tombstone; 0 if there is none.</summary>
    public long HeadVersion { get; private set; }

    /// <summary>How many turns the storage has.</summary>
    public int StoredTurns { get; private set; }

    /// <summary>
    /// The conversation at the upstream that the next turn continues: the handle of the last turn whose ids were reported; null if there is none.
    /// </summary>
    public UpstreamHandle? UpstreamConversation { get; set; }

    /// <summary>A hash of the instructions that were last sent to the upstream's conversation; null without any.</summary>
    public string? InstructionsHash { get; set; }

    /// <summary>The tokens of the last turn's prompt and reply, as the upstream reported them: about as many as the next prompt brings along.</summary>
    public long LastTokens { get; set; }

    public bool IsNamed => Name is not null;

    /// <summary>Fills the memory of a new activation.</summary>
    public void Load(StoredConversation stored)
    {
        HeadVersion = stored.HeadVersion;
        Head = stored.Head is { IsDeleted: false } head ? head : null;
        var last = stored.Last ?? stored.Unfinished.LastOrDefault()?.Row;
        TenantId = Head?.TenantId ?? last?.TenantId ?? "";
        Name = Head?.Name;
        CreatedAt = Head?.CreatedAt ?? last?.CreatedAt ?? default;
        StoredTurns = Head?.Turns ?? (last is null ? 0 : 1);
        LastTokens = (last?.InputTokens ?? 0) + (last?.OutputTokens ?? 0);
    }

    /// <summary>Records to whom a conversation belongs of which nothing is stored.</summary>
    public void Claim(TurnRequest request, DateTimeOffset now)
    {
        TenantId = request.TenantId;
        Name = request.ConversationName;
        CreatedAt = now;
    }

    /// <summary>Records what a commit has stored.</summary>
    /// <param name="commit">The commit.</param>
    /// <param name="storedTurns">How many turns the storage has after it.</param>
    public void Apply(ConversationCommit commit, int storedTurns)
    {
        StoredTurns = storedTurns;
        if (commit.Head is null) return;
        Head = commit.Head;
        HeadVersion = commit.NextHeadVersion;
    }

    /// <summary>Forgets a conversation that was deleted. Its next user may be another one.</summary>
    public void Forget()
    {
        (TenantId, Name, Head, StoredTurns) = ("", null, null, 0);
        (UpstreamConversation, InstructionsHash) = (null, null);
    }
}
