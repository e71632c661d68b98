namespace CozeCluster.Grains;

/// <summary>
/// A simple circuit breaker: after <see cref="Threshold"/> failures in a row it opens for a while that doubles each time, up to a limit;
/// then a single turn may try.
/// </summary>
internal sealed class Breaker(TimeProvider time)
{
    /// <summary>Failures in a row that open it.</summary>
    public const int Threshold = 3;

    private static readonly TimeSpan FirstCooling = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestCooling = TimeSpan.FromMinutes(5);

    private int _failures;
    private DateTimeOffset _probeUntil;

    /// <summary>While this lies in the future the breaker is open.</summary>
    public DateTimeOffset OpenUntil { get; private set; }

    /// <summary>Whether a turn may run. After an open phase one turn is let through, and the next only when that has ended or had its time.</summary>
    public bool Allow()
    {
        var now = time.GetUtcNow();
        if (OpenUntil > now || _probeUntil > now) return false;
        if (_failures >= Threshold) _probeUntil = now + FirstCooling;
        return true;
    }

    /// <summary>A turn went well.</summary>
    public void Succeeded()
    {
        _failures = 0;
        _probeUntil = default;
        OpenUntil = default;
    }

    /// <summary>A turn failed through the bot.</summary>
    public void Failed()
    {
        _failures++;
        _probeUntil = default;
        if (_failures < Threshold) return;
        var doublings = Math.Min(_failures - Threshold, 10);
        var cooling = FirstCooling * (1 << doublings);
        OpenUntil = time.GetUtcNow() + (cooling < LongestCooling ? cooling : LongestCooling);
    }
}
