namespace CozeCluster.Grains;

/// <summary>What a bot stores. Bots that need not be kept active, and whose replies teach nothing, store nothing.</summary>
public sealed class BotState
{
    /// <summary>When a turn was last begun on it; may be some turns behind after a crash.</summary>
    public DateTimeOffset? LastUsedAt { get; set; }

    /// <summary>The last time a keep-active message was due and seen to, whether or not one was needed; at first, when it began to count.</summary>
    public DateTimeOffset? KeptActiveAt { get; set; }

    /// <summary>What became of the last keep-active message.</summary>
    public KeepActiveResult? KeepActive { get; set; }

    /// <summary>How its replies come in, where that had to be learnt.</summary>
    public CadenceState? Cadence { get; set; }
}
