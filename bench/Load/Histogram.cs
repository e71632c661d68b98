using System.Numerics;

namespace CozeCluster.Load;

/// <summary>Counts durations in buckets of about 1.5 % width, from a microsecond to an hour. Thread-safe, of fixed size.</summary>
internal sealed class Histogram
{
    private const int PerOctave = 64;
    private readonly long[] _buckets = new long[PerOctave * 32];

    public void Add(TimeSpan duration)
    {
        var micros = Math.Max(0, (long)duration.TotalMicroseconds);
        Interlocked.Increment(ref _buckets[Math.Min(Index(micros), _buckets.Length - 1)]);
    }

    public long Count => _buckets.Sum();

    /// <summary>The duration that a fraction of all durations does not exceed; zero if there are none.</summary>
    public TimeSpan Quantile(double fraction)
    {
        var remaining = (long)Math.Ceiling(Count * fraction);
        for (var i = 0; i < _buckets.Length && remaining > 0; i++)
        {
            remaining -= _buckets[i];
            if (remaining <= 0) return TimeSpan.FromMicroseconds(Value(i));
        }
        return TimeSpan.Zero;
    }

    // Below PerOctave, each value has its own bucket. Above, each power of two has PerOctave / 2 buckets.
    private static int Index(long micros)
    {
        if (micros < PerOctave) return (int)micros;
        var shift = BitOperations.Log2((ulong)micros) - 5;
        return PerOctave + (shift - 1) * (PerOctave / 2) + (int)(micros >> shift) - PerOctave / 2;
    }

    private static double Value(int index)
    {
        if (index < PerOctave) return index;
        var shift = (index - PerOctave) / (PerOctave / 2) + 1;
        return ((index - PerOctave) % (PerOctave / 2) + PerOctave / 2 + 0.5) * (1L << shift);
    }
}
