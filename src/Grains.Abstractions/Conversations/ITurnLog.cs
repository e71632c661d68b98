namespace CozeCluster;

/// <summary>Lists and searches what <see cref="IConversationStore"/> has stored. Silos have it; gateways ask a grain. Thread-safe.</summary>
public interface ITurnLog
{
    /// <summary>Lists the named conversations of a tenant that are not deleted, most recently used first, then by name (ordinal).</summary>
    /// <param name="tenantId">The tenant.</param>
    /// <param name="afterKey">
    /// The key of the last conversation of the page before; null for the first page. If it is unknown (deleted more than an hour ago), the list is empty.
    /// </param>
    /// <param name="limit">1 to 1000.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    ValueTask<IReadOnlyList<ConversationHead>> ListConversations(string tenantId, string? afterKey, int limit, CancellationToken cancellationToken);

    /// <summary>Searches the log, newest turn first.</summary>
    ValueTask<IReadOnlyList<TurnRow>> Search(TurnQuery query, CancellationToken cancellationToken);

    /// <summary>Reads the keys of conversations with turns that have not ended, ordered by key, each once.</summary>
    /// <param name="createdBefore">Only turns that were accepted before this time.</param>
    /// <param name="afterKey">The last key of the page before; empty for the first page.</param>
    /// <param name="limit">1 to 1000.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    ValueTask<IReadOnlyList<string>> ReadUnfinished(DateTimeOffset createdBefore, string afterKey, int limit, CancellationToken cancellationToken);
}

/// <summary>Which turns a search finds: those that match everything that is set.</summary>
[GenerateSerializer, Immutable, Alias("turn-query")]
public sealed record TurnQuery
{
    /// <summary>The id of the turn.</summary>
    [Id(0)]
    public string? TurnId { get; init; }

    /// <summary>The tenant; null: all tenants.</summary>
    [Id(1)]
    public string? TenantId { get; init; }

    /// <summary>The requested model.</summary>
    [Id(2)]
    public string? Model { get; init; }

    /// <summary>The bot of the last attempt.</summary>
    [Id(3)]
    public string? BotId { get; init; }

    /// <summary>The account of the last attempt.</summary>
    [Id(4)]
    public string? AccountId { get; init; }

    /// <summary>The client's end user.</summary>
    [Id(5)]
    public string? User { get; init; }

    /// <summary>The state of the turn.</summary>
    [Id(6)]
    public TurnStatus? Status { get; init; }

    /// <summary>Accepted at this time or later.</summary>
    [Id(7)]
    public DateTimeOffset? From { get; init; }

    /// <summary>Accepted before this time.</summary>
    [Id(8)]
    public DateTimeOffset? Until { get; init; }

    /// <summary>Only rows with a lower id: the last id of the page before. Null for the first page.</summary>
    [Id(9)]
    public long? Before { get; init; }

    /// <summary>The largest number of rows, 1 to 1000. Default 100.</summary>
    [Id(10)]
    public int Limit { get; init; } = 100;
}

/// <summary>How long the storage keeps rows and contents after a turn. The storage deletes what is older, a few rows at a time.</summary>
/// <param name="Log">How long rows that are not the history of a named conversation are stored after the turn was accepted. Default 30 days.</param>
public sealed record TurnRetention(TimeSpan Log)
{
    /// <summary>30 days.</summary>
    public static TurnRetention Default { get; } = new(TimeSpan.FromDays(30));
}
