namespace CozeCluster;

/// <summary>A payment of prepaid credit.</summary>
/// <param name="Id">Identifies the payment: 1 to 100 characters.</param>
/// <param name="Units">Millionths of credits; negative to take credit back.</param>
/// <param name="At">
/// When it was made, as whoever made it says. The <see cref="MaxRemembered"/> newest payments of a tenant are remembered by their ids. An older one is
/// refused.
/// </param>
[GenerateSerializer, Immutable, Alias("credit-payment")]
public sealed record CreditPayment(string Id, long Units, DateTimeOffset At)
{
    /// <summary>How many payments of a tenant are remembered.</summary>
    public const int MaxRemembered = 1000;

    /// <summary>The longest <see cref="Id"/>, in characters.</summary>
    public const int MaxId = 100;

    /// <summary>The longest <see cref="Note"/>, in characters.</summary>
    public const int MaxNote = 200;

    /// <summary>What people should know about it; null: nothing.</summary>
    [Id(65)]
    public string? Note { get; init; }

    /// <summary>The name of the key that added it; null: not known.</summary>
    [Id(66)]
    public string? By { get; init; }
}

/// <summary>The prepaid credit of a tenant.</summary>
/// <param name="Credit">All credit that was ever added, in millionths.</param>
/// <param name="Payments">The payments that are remembered, newest first.</param>
[GenerateSerializer, Immutable, Alias("credit-status")]
public sealed record CreditStatus(long Credit, IReadOnlyList<CreditPayment> Payments);
