using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>One bot: its concurrent turns, and whether it is available. Key: bot id.</summary>
[Alias("bot")]
public interface IBotGrain : IGrainWithStringKey
{
    /// <summary>Asks for a lease: permission to run one turn. The bot chooses the account.</summary>
    [Alias("Acquire"), AlwaysInterleave, Idempotent]
    Task<LeaseResult> Acquire(LeaseRequest request);

    /// <summary>What <see cref="Acquire"/> would answer, and which accounts it would ask. Changes nothing.</summary>
    [Alias("Explain"), AlwaysInterleave, Idempotent]
    Task<BotExplanation> Explain(LeaseRequest request);

    /// <summary>Renews the lease of a running turn, on the bot and on its account. A lease that has expired is taken again.</summary>
    [Alias("Renew"), AlwaysInterleave, Idempotent]
    Task Renew(string leaseId, string accountId);

    /// <summary>Returns a lease and reports its outcome. A lease that the bot does not hold is ignored.</summary>
    [Alias("Return"), AlwaysInterleave, Idempotent]
    Task Return(string leaseId, string accountId, LeaseOutcome outcome);

    /// <summary>
    /// Schedules keep-active messages as the bot's definition says. Called for each bot with such a definition whenever a fleet is applied, also when a node
    /// starts.
    /// </summary>
    [Alias("KeepActive"), Idempotent]
    Task KeepActive();

    /// <summary>What is known of the bot's pauses and of the ends of its replies; null until the first reply was observed.</summary>
    [Alias("Cadence"), AlwaysInterleave, Idempotent]
    Task<ReplyCadence?> GetCadence();

    /// <summary>
    /// Adds the pauses of one reply to the bot's cadence. The cadence is saved within a minute, so a node that fails may lose the latest samples.
    /// </summary>
    [Alias("Learn"), AlwaysInterleave, Idempotent]
    Task AddReplySample(ReplySample sample);
}

/// <summary>
/// The pauses in a bot's replies, and how its replies end. Needed where the upstream shows a reply by editing a message and does not say when the reply has
/// ended.
/// </summary>
/// <param name="Replies">How many replies were observed.</param>
/// <param name="FirstGap">The longest pause between a reply's first appearance and its first change, in the latest replies.</param>
/// <param name="LaterGap">The longest pause between later changes, in the latest replies.</param>
/// <param name="Widening">
/// The factor by which to wait longer than these pauses, at least 1. It grows when a reply was considered complete too early.
/// </param>
[GenerateSerializer, Immutable, Alias("reply-cadence")]
public sealed record ReplyCadence(int Replies, TimeSpan FirstGap, TimeSpan LaterGap, double Widening)
{
    /// <summary>The number of replies that are needed before the pauses are known.</summary>
    public const int MinReplies = 5;

    /// <summary>Whether the replies end with the upstream's mark of an end (on Discord: buttons), so that silence alone does not end one.</summary>
    [Id(0)]
    public bool EndsWithButtons { get; init; }

    /// <summary>Whether the pauses are known.</summary>
    public bool IsPaceKnown => Replies >= MinReplies;
}

/// <summary>How a reply was seen to end.</summary>
[GenerateSerializer, Alias("reply-ending")]
public enum ReplyEnding
{
    /// <summary>Not known: for example, nobody saw what came after its supposed end.</summary>
    Unknown,

    /// <summary>With buttons.</summary>
    Buttons,

    /// <summary>Without buttons: nothing came after its last text, for long enough to be sure.</summary>
    Silence,

    /// <summary>It did not end: the buttons that the bot always adds did not come.</summary>
    Unfinished,
}

/// <summary>The pauses in one reply.</summary>
/// <param name="Id">Created by the observer of the reply. A sample that is added twice counts once.</param>
/// <param name="FirstGap">From the reply's first appearance to its first change; null if the reply was complete when it appeared.</param>
/// <param name="LaterGap">The longest pause between later changes; null if there were none.</param>
/// <param name="WasCut">Whether the reply was considered complete and then continued. The gaps include the pause that was misread.</param>
[GenerateSerializer, Immutable, Alias("reply-sample")]
public sealed record ReplySample(string Id, TimeSpan? FirstGap, TimeSpan? LaterGap, bool WasCut)
{
    /// <summary>How the reply ended.</summary>
    [Id(0)]
    public ReplyEnding Ending { get; init; }
}
