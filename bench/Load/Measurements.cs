using System.Collections.Concurrent;
using System.Diagnostics;

namespace CozeCluster.Load;

/// <summary>The measurements of all streams of a run. Thread-safe.</summary>
internal sealed class Measurements
{
    private readonly ConcurrentDictionary<string, int> _errors = new();
    private int _begunReplies;

    /// <summary>Whether durations are counted. They are not during warm-up. Errors are always counted.</summary>
    public bool IsEnabled { get; set; }

    /// <summary>The time from the request to the first text.</summary>
    public Histogram FirstText { get; } = new();

    /// <summary>How much later than scheduled a delta arrived, relative to the earliest delta of its reply.</summary>
    public Histogram Lag { get; } = new();

    /// <summary>The number of replies that have begun.</summary>
    public int BegunReplies => Volatile.Read(ref _begunReplies);

    /// <summary>The number of errors by their message.</summary>
    public IReadOnlyDictionary<string, int> Errors => _errors;

    public void AddFirstText(TimeSpan delay)
    {
        Interlocked.Increment(ref _begunReplies);
        if (IsEnabled) FirstText.Add(delay);
    }

    /// <summary>Adds the lags of all deltas of a reply.</summary>
    /// <param name="arrivals">The timestamp of each delta.</param>
    /// <param name="pace">The scheduled time between deltas.</param>
    public void AddLags(ReadOnlySpan<long> arrivals, TimeSpan pace)
    {
        if (!IsEnabled) return;
        var step = (long)(pace.TotalSeconds * Stopwatch.Frequency);
        var earliest = long.MaxValue;
        for (var i = 0; i < arrivals.Length; i++) earliest = Math.Min(earliest, arrivals[i] - i * step);
        for (var i = 0; i < arrivals.Length; i++) Lag.Add(Stopwatch.GetElapsedTime(earliest, arrivals[i] - i * step));
    }

    public void AddError(string message) => _errors.AddOrUpdate(message, 1, static (_, count) => count + 1);
}
