namespace CozeCluster;

/// <summary>What usage is counted by, besides time.</summary>
[Flags]
[GenerateSerializer, Alias("usage-dimensions")]
public enum UsageDimensions
{
    /// <summary>Everything together.</summary>
    None = 0,

    /// <summary>The tenant.</summary>
    Tenant = 1,

    /// <summary>The name of the API key.</summary>
    Key = 2,

    /// <summary>The client's end user.</summary>
    User = 4,

    /// <summary>The requested model.</summary>
    Model = 8,

    /// <summary>The bot of the last attempt.</summary>
    Bot = 16,

    /// <summary>The account of the last attempt.</summary>
    Account = 32,
}

/// <summary>The stretches of time that usage is added up for.</summary>
[GenerateSerializer, Alias("usage-period")]
public enum UsagePeriod
{
    /// <summary>All the time of the query.</summary>
    All = 0,

    /// <summary>Each hour.</summary>
    Hour = 1,

    /// <summary>Each day, UTC.</summary>
    Day = 2,
}

/// <summary>What turns have used together. Turns are counted when they have ended.</summary>
/// <param name="Completed">Turns whose reply is complete.</param>
/// <param name="Failed">Turns that failed, except those of unknown outcome.</param>
/// <param name="Cancelled">Turns that were cancelled.</param>
/// <param name="Unknown">Turns that failed with <see cref="ErrorCode.UpstreamOutcomeUnknown"/>.</param>
/// <param name="Attempts">Attempts of all of them.</param>
/// <param name="InputTokens">Tokens of prompts, as far as upstreams have reported them.</param>
/// <param name="OutputTokens">Tokens of replies, as far as upstreams have reported them.</param>
/// <param name="Credits">
/// Millionths of credits that were charged. Turns of tenants and keys without a budget, and of unknown outcome, are charged nothing.
/// </param>
[GenerateSerializer, Immutable, Alias("usage-sums")]
public readonly record struct UsageSums(
    long Completed, long Failed, long Cancelled, long Unknown, long Attempts, long InputTokens, long OutputTokens, long Credits)
{
    /// <summary>How many turns there were.</summary>
    public long Requests => Completed + Failed + Cancelled + Unknown;

    /// <summary>Adds.</summary>
    public static UsageSums operator +(UsageSums one, UsageSums other) => new(
        one.Completed + other.Completed,
        one.Failed + other.Failed,
        one.Cancelled + other.Cancelled,
        one.Unknown + other.Unknown,
        one.Attempts + other.Attempts,
        one.InputTokens + other.InputTokens,
        one.OutputTokens + other.OutputTokens,
        one.Credits + other.Credits);
}

/// <summary>Which usage is read, and how it is added up. A filter that is null matches everything; an empty text matches turns without such a thing.</summary>
[GenerateSerializer, Immutable, Alias("usage-query")]
public sealed record UsageQuery
{
    /// <summary>The largest number of rows that one query returns.</summary>
    public const int MaxLimit = 10_000;

    /// <summary>Turns that were accepted at this time or later. It is rounded down to a whole hour.</summary>
    [Id(0)]
    public required DateTimeOffset From { get; init; }

    /// <summary>Turns that were accepted before this time. It is rounded up to a whole hour.</summary>
    [Id(1)]
    public required DateTimeOffset Until { get; init; }

    /// <summary>The tenant.</summary>
    [Id(2)]
    public string? TenantId { get; init; }

    /// <summary>The name of the API key.</summary>
    [Id(3)]
    public string? KeyName { get; init; }

    /// <summary>The client's end user.</summary>
    [Id(4)]
    public string? User { get; init; }

    /// <summary>The requested model.</summary>
    [Id(5)]
    public string? Model { get; init; }

    /// <summary>The bot of the last attempt.</summary>
    [Id(6)]
    public string? BotId { get; init; }

    /// <summary>The account of the last attempt.</summary>
    [Id(7)]
    public string? AccountId { get; init; }

    /// <summary>The period of each row.</summary>
    [Id(8)]
    public UsagePeriod Period { get; init; }

    /// <summary>What each row is for. Default: there is one row for each period.</summary>
    [Id(9)]
    public UsageDimensions GroupBy { get; init; }

    /// <summary>The last row of the page before; null for the first page.</summary>
    [Id(10)]
    public UsageRow? After { get; init; }

    /// <summary>The largest number of rows, 1 to <see cref="MaxLimit"/>. Default 100.</summary>
    [Id(11)]
    public int Limit { get; init; } = 100;
}

/// <summary>
/// The usage of one period and of one value of each dimension that the query groups by. Other properties are null. The value is an empty text for turns without
/// such a thing, and <see cref="Other"/> for what exceeds the largest number of rows of an hour.
/// </summary>
[GenerateSerializer, Immutable, Alias("usage-row")]
public sealed record UsageRow
{
    /// <summary>The value under which everything is counted that exceeds the limits of separate rows.</summary>
    public const string Other = "(other)";

    /// <summary>When the period begins.</summary>
    [Id(0)]
    public DateTimeOffset? Time { get; init; }

    /// <summary>The tenant.</summary>
    [Id(1)]
    public string? TenantId { get; init; }

    /// <summary>The name of the API key.</summary>
    [Id(2)]
    public string? KeyName { get; init; }

    /// <summary>The client's end user, cut to 100 characters.</summary>
    [Id(3)]
    public string? User { get; init; }

    /// <summary>The requested model, cut to 100 characters.</summary>
    [Id(4)]
    public string? Model { get; init; }

    /// <summary>The bot of the last attempt.</summary>
    [Id(5)]
    public string? BotId { get; init; }

    /// <summary>The account of the last attempt.</summary>
    [Id(6)]
    public string? AccountId { get; init; }

    /// <summary>What was used.</summary>
    [Id(7)]
    public UsageSums Sums { get; init; }
}
