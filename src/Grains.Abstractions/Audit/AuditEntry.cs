using System.Buffers.Binary;
using System.Security.Cryptography;

namespace CozeCluster;

/// <summary>What an admin key has done, or was refused. It contains no secrets and no prompts: of a change, only the names of the fields.</summary>
/// <param name="Id">See <see cref="NewId"/>. Later entries have greater ids.</param>
/// <param name="Actor">Who did it.</param>
/// <param name="Action">The operation id of the route, as in the OpenAPI document (<c>addCredit</c>).</param>
/// <param name="Kind">The kind of the thing (<c>tenant</c>, <c>turn</c>); empty if there is none.</param>
/// <param name="ItemId">The id of the thing; empty if there is none.</param>
[GenerateSerializer, Immutable, Alias("audit-entry")]
public sealed record AuditEntry(string Id, AuditActor Actor, string Action, string Kind, string ItemId)
{
    /// <summary>The outcome of a change that has begun. If it stays so, the node failed, and it is unknown whether the change was made.</summary>
    public const string UnknownOutcome = "unknown";

    /// <summary>The outcome of a change that was made, or of a read.</summary>
    public const string Done = "ok";

    /// <summary>The longest <see cref="ItemId"/>, in characters. A longer one is cut.</summary>
    public const int MaxItemId = 200;

    /// <summary>The longest <see cref="Note"/>, in characters. A longer one is cut.</summary>
    public const int MaxNote = 500;

    /// <summary>The tenant that the thing belongs to; null if it belongs to none.</summary>
    [Id(0)]
    public string? TenantId { get; init; }

    /// <summary><see cref="Done"/>, <see cref="UnknownOutcome"/>, or the name of an <see cref="ErrorCode"/> (<c>permission_denied</c>).</summary>
    [Id(1)]
    public string Outcome { get => field ?? UnknownOutcome; init; }

    /// <summary>The names of the fields that were changed.</summary>
    [Id(2)]
    public IReadOnlyList<string> Fields { get => field ?? []; init; }

    /// <summary>What else a reader needs to know, such as an amount; null: nothing. Never a secret.</summary>
    [Id(3)]
    public string? Note { get; init; }

    /// <summary>The id of the request.</summary>
    [Id(4)]
    public string RequestId { get => field ?? ""; init; }

    /// <summary>When it was done.</summary>
    public DateTimeOffset At => TimeOf(Id);

    /// <summary>Creates an id: 48 bits of milliseconds since 1970 UTC and 80 random bits, as <see cref="GrainKeys.Encode"/> writes them.</summary>
    public static string NewId(DateTimeOffset now)
    {
        Span<byte> bytes = stackalloc byte[16];
        RandomNumberGenerator.Fill(bytes[6..]);
        return Encode(now, bytes);
    }

    /// <summary>The lowest id of a time. So a range of time is a range of ids.</summary>
    public static string FirstId(DateTimeOffset time) => Encode(time, stackalloc byte[16]);

    /// <summary>The time of an id; the beginning of 1970 for a text that is none.</summary>
    public static DateTimeOffset TimeOf(string id)
    {
        Span<byte> bytes = stackalloc byte[16];
        GrainKeys.TryDecode(id, bytes);
        return DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(bytes) >>> 16);
    }

    private static string Encode(DateTimeOffset time, Span<byte> bytes)
    {
        var milliseconds = Math.Clamp(time.ToUnixTimeMilliseconds(), 0, (1L << 47) - 1);
        var rest = BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]);
        BinaryPrimitives.WriteInt64BigEndian(bytes, milliseconds << 16 | rest);
        return GrainKeys.Encode(bytes);
    }
}

/// <summary>An admin key, or another key that was refused.</summary>
/// <param name="TenantId">The tenant that declares the key.</param>
/// <param name="KeyName">The name of the key.</param>
/// <param name="Role">The role of the key; null for the key of a tenant.</param>
/// <param name="Address">The address that sent the request; empty if it is not known.</param>
[GenerateSerializer, Immutable, Alias("audit-actor")]
public sealed record AuditActor(string TenantId, string KeyName, AdminRole? Role, string Address);

/// <summary>Which entries a search finds: those that match everything that is set.</summary>
[GenerateSerializer, Immutable, Alias("audit-query")]
public sealed record AuditQuery
{
    /// <summary>The tenant that the thing belongs to.</summary>
    [Id(0)]
    public string? TenantId { get; init; }

    /// <summary>The name of the key.</summary>
    [Id(1)]
    public string? KeyName { get; init; }

    /// <summary>The operation.</summary>
    [Id(2)]
    public string? Action { get; init; }

    /// <summary>The kind of the thing.</summary>
    [Id(3)]
    public string? Kind { get; init; }

    /// <summary>The id of the thing.</summary>
    [Id(4)]
    public string? ItemId { get; init; }

    /// <summary>The outcome.</summary>
    [Id(5)]
    public string? Outcome { get; init; }

    /// <summary>At this time or later.</summary>
    [Id(6)]
    public DateTimeOffset? From { get; init; }

    /// <summary>Before this time.</summary>
    [Id(7)]
    public DateTimeOffset? Until { get; init; }

    /// <summary>Only entries with a lower id: the last one of the page before. Null for the first page.</summary>
    [Id(8)]
    public string? Before { get; init; }

    /// <summary>The largest number of entries, 1 to 1000. Default 100.</summary>
    [Id(9)]
    public int Limit { get; init; } = 100;
}
