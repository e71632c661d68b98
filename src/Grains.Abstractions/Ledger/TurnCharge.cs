namespace CozeCluster;

/// <summary>What a turn uses of budgets.</summary>
/// <param name="Requests">Turns.</param>
/// <param name="Tokens">Tokens of prompts and replies.</param>
/// <param name="Credits">Millionths of credits.</param>
[GenerateSerializer, Immutable, Alias("amounts")]
public readonly record struct Amounts(long Requests, long Tokens, long Credits)
{
    /// <summary>How many units a credit has.</summary>
    public const long UnitsPerCredit = 1_000_000;

    /// <summary>Whether everything is zero.</summary>
    public bool IsZero() => this == default;

    /// <summary>Adds.</summary>
    public static Amounts operator +(Amounts one, Amounts other) =>
        new(one.Requests + other.Requests, one.Tokens + other.Tokens, one.Credits + other.Credits);

    /// <summary>Subtracts.</summary>
    public static Amounts operator -(Amounts one, Amounts other) =>
        new(one.Requests - other.Requests, one.Tokens - other.Tokens, one.Credits - other.Credits);

    /// <summary>The smaller one of each.</summary>
    public static Amounts Min(Amounts one, Amounts other) =>
        new(Math.Min(one.Requests, other.Requests), Math.Min(one.Tokens, other.Tokens), Math.Min(one.Credits, other.Credits));

    /// <summary>The larger one of each.</summary>
    public static Amounts Max(Amounts one, Amounts other) =>
        new(Math.Max(one.Requests, other.Requests), Math.Max(one.Tokens, other.Tokens), Math.Max(one.Credits, other.Credits));
}

/// <summary>What a turn is charged. It is part of the turn's row, and the rows are the ledger: nothing else records what was used.</summary>
/// <param name="Epoch">The epoch of the shard that reserved it; see <see cref="ILedgerStore"/>. It never changes once the row is stored.</param>
/// <param name="Day">The day whose budget it uses, in days since 1970 UTC. It never changes either.</param>
/// <param name="Amounts">What is reserved or charged. What a turn is charged is never more than what was reserved for it.</param>
/// <param name="State">The state.</param>
[GenerateSerializer, Immutable, Alias("turn-charge")]
public sealed record TurnCharge(long Epoch, int Day, Amounts Amounts, ChargeState State)
{
    /// <summary>How long a turn of unknown outcome keeps what was reserved for it. After that it is charged nothing.</summary>
    public static TimeSpan UnknownHold { get; } = TimeSpan.FromHours(24);

    /// <summary>The day of a time.</summary>
    public static int DayOf(DateTimeOffset time) => (int)Math.Floor((time - DateTimeOffset.UnixEpoch).TotalDays);

    /// <summary>The index of the month of a day; see <see cref="BudgetPeriod.Month"/>.</summary>
    public static int MonthOf(int day)
    {
        var date = DateOnly.FromDateTime(DateTime.UnixEpoch).AddDays(day);
        return date.Year * 12 + date.Month - 1;
    }
}

/// <summary>The states of a charge. The numbers are stored: never change them.</summary>
[GenerateSerializer, Alias("charge-state")]
public enum ChargeState
{
    /// <summary>The turn has not ended.</summary>
    Reserved = 1,

    /// <summary>The turn has ended, and this is what it is charged.</summary>
    Settled = 2,

    /// <summary>
    /// The turn has ended, and nobody knows whether its prompt was sent. What was reserved stays reserved for <see cref="TurnCharge.UnknownHold"/>, and is
    /// free after that.
    /// </summary>
    Unknown = 3,
}
