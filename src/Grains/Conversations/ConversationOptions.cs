namespace CozeCluster.Grains;

/// <summary>Limits of conversations, the same for all.</summary>
public sealed record ConversationOptions
{
    /// <summary>Turns that may wait behind the running one; 0 to 1000. Default 8.</summary>
    public int MaxQueuedTurns { get; init; } = 8;

    /// <summary>Turns kept of a named conversation; older ones are forgotten; 1 to 1000. Default 50.</summary>
    public int MaxStoredTurns { get; init; } = 50;

    /// <summary>Tries to send one turn, on whatever bots and accounts, before any text came; 1 to 10. Default 3.</summary>
    public int MaxAttempts { get; init; } = 3;

    /// <summary>
    /// Whether turns outlive their node where the far side can be asked again. Without it a turn ends with its node, and a fresh conversation can only be read
    /// while its grain is in memory: meant for measuring what it costs. Default true.
    /// </summary>
    public bool DurableTurns { get; init; } = true;

    /// <summary>How long a turn goes on without anybody listening. Default 15 s.</summary>
    public TimeSpan ListenerGrace { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Silence after which observers are shown that the turn lives. Default 2 s.</summary>
    public TimeSpan SignOfLife { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long turns of fresh conversations can be read. Default 1 hour.</summary>
    public TimeSpan FreshRetention { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long named conversations are kept after their last use. Default 180 days, as long as Coze keeps its own.</summary>
    public TimeSpan NamedRetention { get; init; } = TimeSpan.FromDays(180);
}
