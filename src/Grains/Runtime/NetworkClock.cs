namespace CozeCluster.Grains;

/// <summary>
/// The clock for waits on the network: the pace of batches between processes, and pauses before a call is sent again. It is the system clock, also in tests that control the clock
/// of the grains.
/// </summary>
/// <param name="Time">The clock.</param>
public sealed record NetworkClock(TimeProvider Time);
