namespace CozeCluster.Grains;

/// <summary>The stored state of a bot. It is saved only for bots that are kept active, that have budgets, or whose cadence is needed.</summary>
public sealed class BotState
{
    /// <summary>When the bot was last leased for a tenant's turn. After a crash, this may be a few turns old.</summary>
    public DateTimeOffset? LastUsedAt { get; set; }

    /// <summary>
    /// When a keep-active message was last due and handled, whether or not it was sent. Before the first one: when the bot got a keep-active definition.
    /// </summary>
    public DateTimeOffset? KeptActiveAt { get; set; }

    /// <summary>The result of the last keep-active message.</summary>
    public KeepActiveResult? KeepActive { get; set; }

    /// <summary>What is claimed of its budgets, by period; see <see cref="LeaseLimits"/>.</summary>
    public List<PeriodAmounts> Claimed { get; set; } = [];

    /// <summary>The cadence of the bot's replies, if it is needed.</summary>
    public CadenceState? Cadence { get; set; }
}
