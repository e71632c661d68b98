using System.Collections.Concurrent;
using System.Diagnostics;

namespace CozeCluster.Load;

/// <summary>What all streams of a run measure together. Thread-safe.</summary>
internal sealed class Measures
{
    private readonly ConcurrentDictionary<string, int> _errors = new();
    private int _begun;

    /// <summary>Whether durations count; off while warming up. Errors always count.</summary>
    public bool IsOn { get; set; }

    /// <summary>From sending the request to the first text.</summary>
    public Histogram FirstText { get; } = new();

    /// <summary>From sending the request to the end of the reply.</summary>
    public Histogram Whole { get; } = new();

    /// <summary>How much later than its place in the pace a delta came, against the earliest of its reply.</summary>
    public Histogram Lag { get; } = new();

    /// <summary>How many replies have begun.</summary>
    public int Begun => Volatile.Read(ref _begun);

    public IReadOnlyDictionary<string, int> Errors => _errors;

    public void Began(TimeSpan after)
    {
        Interlocked.Increment(ref _begun);
        if (IsOn) FirstText.Add(after);
    }

    public void Replied(TimeSpan after)
    {
        if (IsOn) Whole.Add(after);
    }

    public void Lags(ReadOnlySpan<long> arrivals, TimeSpan pace)
    {
        if (!IsOn) return;
        var step = (long)(pace.TotalSeconds * Stopwatch.Frequency);
        var earliest = long.MaxValue;
        for (var i = 0; i < arrivals.Length; i++) earliest = Math.Min(earliest, arrivals[i] - i * step);
        for (var i = 0; i < arrivals.Length; i++) Lag.Add(Stopwatch.GetElapsedTime(earliest, arrivals[i] - i * step));
    }

    public void Error(string what) => _errors.AddOrUpdate(what, 1, static (_, count) => count + 1);
}
