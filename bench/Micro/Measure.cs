using System.Diagnostics;
using System.Globalization;

namespace CozeCluster.Micro;

/// <summary>Times small pieces of work: enough repetitions to fill a fifth of a second, several times over; the median and the bytes allocated are told.</summary>
internal sealed class Measure(string[] wanted)
{
    private const int Rounds = 9;
    private static readonly TimeSpan RoundTime = TimeSpan.FromMilliseconds(200);

    public void Head() => Console.WriteLine($"{"",-48} {"ns",12} {"bytes",10}");

    /// <summary>Work that completes at once.</summary>
    /// <param name="name">What it is.</param>
    /// <param name="work">Does it once.</param>
    /// <param name="per">How many of what is told one call does.</param>
    public Task RunAsync(string name, Action work, int per = 1) => RunAsync(
        name,
        () =>
        {
            work();
            return ValueTask.CompletedTask;
        },
        per);

    /// <summary>Work that may wait.</summary>
    public async Task RunAsync(string name, Func<ValueTask> work, int per = 1)
    {
        if (wanted.Length > 0 && !wanted.Any(part => name.Contains(part, StringComparison.OrdinalIgnoreCase))) return;

        // Warm up until the second tier of compiled code is there, and learn how often fits a round.
        var calls = 1L;
        var warm = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(warm) < RoundTime * 5)
        {
            var (time, _) = await RepeatAsync(work, calls);
            if (time < RoundTime) calls = Math.Max(calls, (long)(calls * Math.Min(4, RoundTime / (time + TimeSpan.FromMicroseconds(1)))));
        }

        var times = new List<double>();
        var bytes = new List<double>();
        for (var i = 0; i < Rounds; i++)
        {
            var (time, allocated) = await RepeatAsync(work, calls);
            times.Add(time.TotalNanoseconds / calls / per);
            bytes.Add((double)allocated / calls / per);
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-48} {times.Order().ElementAt(Rounds / 2),12:f1} {bytes.Order().ElementAt(Rounds / 2),10:f1}"));
    }

    private static async Task<(TimeSpan Time, long Bytes)> RepeatAsync(Func<ValueTask> work, long calls)
    {
        // Of the whole process: work that waits goes on on other threads.
        var bytes = GC.GetTotalAllocatedBytes(precise: true);
        var start = Stopwatch.GetTimestamp();
        for (var i = 0L; i < calls; i++) await work();
        return (Stopwatch.GetElapsedTime(start), GC.GetTotalAllocatedBytes(precise: true) - bytes);
    }
}
