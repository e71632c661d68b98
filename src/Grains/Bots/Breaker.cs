namespace CozeCluster.Grains;

/// <summary>
/// A circuit breaker. It opens after <see cref="Threshold"/> consecutive failures, for a time that doubles with each further failure, up to a limit. Afterwards
/// it lets a single turn through; a success closes it.
/// </summary>
internal sealed class Breaker(TimeProvider time)
{
    /// <summary>The number of consecutive failures that open the breaker.</summary>
    public const int Threshold = 3;

    private static readonly TimeSpan MinOpenTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MaxOpenTime = TimeSpan.FromMinutes(5);

    private int _failures;
    private DateTimeOffset _probeUntil;

    /// <summary>The breaker is open while this time is in the future.</summary>
    public DateTimeOffset OpenUntil { get; private set; }

    /// <summary>
    /// Whether a turn may run. After the breaker was open, this allows one turn, and the next one only when that turn has ended or ten seconds have passed.
    /// </summary>
    public bool Allow()
    {
        var now = time.GetUtcNow();
        if (OpenUntil > now || _probeUntil > now) return false;
        if (_failures >= Threshold) _probeUntil = now + MinOpenTime;
        return true;
    }

    /// <summary>Records that a turn succeeded.</summary>
    public void RecordSuccess()
    {
        _failures = 0;
        _probeUntil = default;
        OpenUntil = default;
    }

    /// <summary>Records that a turn failed because of the bot.</summary>
    public void RecordFailure()
    {
        _failures++;
        _probeUntil = default;
        if (_failures < Threshold) return;
        var doublings = Math.Min(_failures - Threshold, 10);
        var openTime = MinOpenTime * (1 << doublings);
        OpenUntil = time.GetUtcNow() + (openTime < MaxOpenTime ? openTime : MaxOpenTime);
    }
}
