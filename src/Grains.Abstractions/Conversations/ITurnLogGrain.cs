using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>Answers gateways from the <see cref="ITurnLog"/>, which only silos have. It reads only. Key: <see cref="GrainKeys.TurnLog"/>.</summary>
[Alias("turn-log")]
public interface ITurnLogGrain : IGrainWithStringKey
{
    /// <summary>Lists the named conversations of a tenant, most recently used first.</summary>
    /// <param name="tenantId">The tenant.</param>
    /// <param name="after">The name of the last conversation of the page before; null for the first page.</param>
    /// <param name="limit">The largest number of conversations; values outside of 1 to 1000 are replaced by the nearest of them.</param>
    [Alias("ListConversations"), AlwaysInterleave, Idempotent]
    Task<IReadOnlyList<ConversationSummary>> ListConversations(string tenantId, string? after, int limit);

    /// <summary>Searches the turns, newest first. A limit outside of 1 to 1000 is replaced by the nearest of them.</summary>
    [Alias("Search"), AlwaysInterleave, Idempotent]
    Task<IReadOnlyList<TurnRow>> Search(TurnQuery query);

    /// <summary>Reads a turn with its attempts; null if the log has none with this id. Of several, the newest is read.</summary>
    [Alias("ReadTurn"), AlwaysInterleave, Idempotent]
    Task<TurnReport?> ReadTurn(string turnId);
}

/// <summary>What the log knows about a turn.</summary>
/// <param name="Row">Its row.</param>
/// <param name="Attempts">The last attempts to send it, oldest first. The row has the number of all of them.</param>
[GenerateSerializer, Immutable, Alias("turn-report")]
public sealed record TurnReport(TurnRow Row, IReadOnlyList<AttemptReport> Attempts);

/// <summary>One attempt to send a turn.</summary>
/// <param name="BotId">The bot.</param>
/// <param name="AccountId">The account.</param>
/// <param name="Upstream">The upstream.</param>
/// <param name="StartedAt">When the bot and the account were ready for it.</param>
[GenerateSerializer, Immutable, Alias("attempt-report")]
public sealed record AttemptReport(string BotId, string AccountId, string Upstream, DateTimeOffset StartedAt)
{
    /// <summary>When its first text arrived; null if none has.</summary>
    [Id(65)]
    public DateTimeOffset? FirstTextAt { get; init; }

    /// <summary>When it ended; null while it runs, and if its node failed.</summary>
    [Id(66)]
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Why it failed; null if it did not.</summary>
    [Id(67)]
    public ErrorCode? Error { get; init; }
}

/// <summary>A conversation as lists show it.</summary>
/// <param name="Name">The client's name for it.</param>
/// <param name="Title">The title that people see; null until the conversation is renamed.</param>
/// <param name="CreatedAt">When its first turn was accepted.</param>
/// <param name="LastUsedAt">When a turn was last accepted.</param>
/// <param name="Turns">The number of turns it holds.</param>
[GenerateSerializer, Immutable, Alias("conversation-summary")]
public sealed record ConversationSummary(string Name, string? Title, DateTimeOffset CreatedAt, DateTimeOffset LastUsedAt, int Turns);
