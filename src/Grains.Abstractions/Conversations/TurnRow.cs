using System.Security.Cryptography;

namespace CozeCluster;

/// <summary>
/// One turn as it is stored. The properties are what operators search by; what only the conversation grain needs is in <see cref="Details"/> and
/// <see cref="Handle"/>, which the storage does not read.
/// </summary>
[GenerateSerializer, Immutable, Alias("turn-row")]
public sealed record TurnRow
{
    /// <summary>The row's id: see <see cref="IConversationStore.NewTurnRowId"/>. It never changes.</summary>
    [Id(0)]
    public required long Id { get; init; }

    /// <summary>1 for a new row, and one more with every change.</summary>
    [Id(1)]
    public required long Version { get; init; }

    /// <summary>See <see cref="CozeCluster.TurnId"/>. Unique among the turns that belong to a conversation, but not in the log.</summary>
    [Id(2)]
    public required string TurnId { get; init; }

    /// <summary>The tenant.</summary>
    [Id(3)]
    public required string TenantId { get; init; }

    /// <summary>The name of the API key that sent the request; null if it is not known.</summary>
    [Id(4)]
    public string? KeyName { get; init; }

    /// <summary>The client's end user; null without one.</summary>
    [Id(5)]
    public string? User { get; init; }

    /// <summary>The requested model.</summary>
    [Id(6)]
    public required string Model { get; init; }

    /// <summary>The state of the turn.</summary>
    [Id(7)]
    public required TurnStatus Status { get; init; }

    /// <summary>When the conversation accepted the turn.</summary>
    [Id(8)]
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the first text of the reply arrived from the upstream; null if none has, or if that is not stored yet.</summary>
    [Id(9)]
    public DateTimeOffset? FirstTextAt { get; init; }

    /// <summary>When the turn ended; null until then.</summary>
    [Id(10)]
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>The upstream of the last attempt; null if no bot granted a lease.</summary>
    [Id(11)]
    public string? Upstream { get; init; }

    /// <summary>The bot of the last attempt; null if no bot granted a lease.</summary>
    [Id(12)]
    public string? BotId { get; init; }

    /// <summary>The account of the last attempt; null if no bot granted a lease.</summary>
    [Id(13)]
    public string? AccountId { get; init; }

    /// <summary>How many attempts were made.</summary>
    [Id(14)]
    public int Attempts { get; init; }

    /// <summary>Why the turn failed or was cancelled; null if it was not.</summary>
    [Id(15)]
    public ErrorCode? Error { get; init; }

    /// <summary>The tokens of the prompt, as the upstream reported them; null if it did not.</summary>
    [Id(16)]
    public long? InputTokens { get; init; }

    /// <summary>The tokens of the reply, as the upstream reported them; null if it did not.</summary>
    [Id(17)]
    public long? OutputTokens { get; init; }

    /// <summary>
    /// Whether the row is part of the history of a named conversation. Such a row is stored as long as the conversation; other rows are deleted when the
    /// retention of the log ends.
    /// </summary>
    [Id(18)]
    public bool IsHistory { get; init; }

    /// <summary>The ids by which the exchange can be found again, as the conversation grain wrote them; null until they are known.</summary>
    [Id(19)]
    public byte[]? Handle { get; init; }

    /// <summary>Everything else about the turn, as the conversation grain wrote it.</summary>
    [Id(20)]
    public required byte[] Details { get; init; }

    /// <summary>What the turn is charged; null if its tenant and key have no budget.</summary>
    [Id(30)]
    public TurnCharge? Charge { get; init; }
}

/// <summary>Content of a turn.</summary>
/// <param name="Kind">What it is. A turn has at most one content of each kind.</param>
/// <param name="Payload">The bytes, as the conversation grain wrote them.</param>
/// <param name="ExpiresAt">When it is deleted; null: with its conversation.</param>
public sealed record TurnContent(TurnContentKind Kind, ReadOnlyMemory<byte> Payload, DateTimeOffset? ExpiresAt = null);

/// <summary>The kinds of content. The numbers are stored: never change them.</summary>
public enum TurnContentKind
{
    /// <summary>The whole request of a turn that waits to be sent. It is deleted when the turn is sent.</summary>
    Request = 1,

    /// <summary>The messages of the request that were new in the conversation.</summary>
    Prompt = 2,

    /// <summary>The parts of the reply.</summary>
    Reply = 3,
}

/// <summary>The row of a conversation that can have several turns.</summary>
/// <param name="TenantId">The tenant that the conversation belongs to.</param>
/// <param name="Name">The client's name for it; null if it has none.</param>
/// <param name="CreatedAt">When the first turn was accepted.</param>
/// <param name="LastUsedAt">When a turn was last accepted.</param>
/// <param name="Turns">How many turns belong to it.</param>
/// <param name="ExpiresAt">When the conversation is deleted, unless it is used again.</param>
public sealed record ConversationHead(
    string TenantId, string? Name, DateTimeOffset CreatedAt, DateTimeOffset LastUsedAt, int Turns, DateTimeOffset ExpiresAt)
{
    /// <summary>The title that a client gave the conversation for people; null without one.</summary>
    public string? Title { get; init; }

    /// <summary>
    /// Whether the conversation was deleted. Its head remains for an hour, so that a client that deletes the conversations of a page can still ask for the page
    /// after the last of them.
    /// </summary>
    public bool IsDeleted { get; init; }

    /// <summary>A version for a head that is stored for the first time. No head has had it before.</summary>
    public static long NewVersion() => BitConverter.ToInt64(RandomNumberGenerator.GetBytes(8)) >>> 2 | 1;
}

/// <summary>
/// Builds the ids of turn rows: 42 bits of milliseconds since 1970 UTC, 10 bits that differ between processes with the same storage, and an 11-bit counter. So
/// a range of time is a range of ids. Thread-safe.
/// </summary>
/// <param name="process">0 to 1023.</param>
/// <param name="time">The clock.</param>
public sealed class TurnRowId(int process, TimeProvider time)
{
    private const int ProcessBits = 10;
    private const int CounterBits = 11;
    private const long MaxMilliseconds = (1L << (63 - ProcessBits - CounterBits)) - 1;
    private readonly long _process = (long)process << CounterBits;
    private readonly Lock _gate = new();
    private long _milliseconds;
    private long _counter;

    /// <summary>The lowest id of a time.</summary>
    public static long At(DateTimeOffset time) => Math.Clamp(time.ToUnixTimeMilliseconds(), 0, MaxMilliseconds) << (ProcessBits + CounterBits);

    /// <summary>The time of an id.</summary>
    public static DateTimeOffset TimeOf(long id) => DateTimeOffset.FromUnixTimeMilliseconds(id >> (ProcessBits + CounterBits));

    /// <summary>Creates the next id of this process. It is greater than all before it, also if the clock is set back.</summary>
    public long Next()
    {
        lock (_gate)
        {
            var now = time.GetUtcNow().ToUnixTimeMilliseconds();
            if (now > _milliseconds) (_milliseconds, _counter) = (now, 0);
            else if (++_counter >> CounterBits != 0) (_milliseconds, _counter) = (_milliseconds + 1, 0);
            return _milliseconds << (ProcessBits + CounterBits) | _process | _counter;
        }
    }
}
