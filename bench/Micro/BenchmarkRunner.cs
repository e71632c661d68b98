using System.Diagnostics;
using System.Globalization;

namespace CozeCluster.Micro;

/// <summary>
/// Measures small pieces of work: repeats the work for a fifth of a second in each of several rounds. Prints the medians of time and allocation.
/// </summary>
/// <param name="filter">Parts of the names of the benchmarks to run; all run if it is empty.</param>
internal sealed class BenchmarkRunner(string[] filter)
{
    private const int Rounds = 9;
    private static readonly TimeSpan RoundTime = TimeSpan.FromMilliseconds(200);

    public void PrintHeader() => Console.WriteLine($"{"",-48} {"ns",12} {"bytes",10}");

    /// <summary>Measures synchronous work.</summary>
    /// <param name="name">The name of the benchmark.</param>
    /// <param name="work">The work.</param>
    /// <param name="operations">The number of operations in one call of <paramref name="work"/>. The results are per operation.</param>
    public Task RunAsync(string name, Action work, int operations = 1) => RunAsync(
        name,
        () =>
        {
            work();
            return ValueTask.CompletedTask;
        },
        operations);

    /// <summary>Measures asynchronous work.</summary>
    public async Task RunAsync(string name, Func<ValueTask> work, int operations = 1)
    {
        if (filter.Length > 0 && !filter.Any(part => name.Contains(part, StringComparison.OrdinalIgnoreCase))) return;

        // Warm up until the code is fully optimized, and find the number of calls that fill a round.
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
            times.Add(time.TotalNanoseconds / calls / operations);
            bytes.Add((double)allocated / calls / operations);
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-48} {Median(times),12:f1} {Median(bytes),10:f1}"));
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static async Task<(TimeSpan Time, long Bytes)> RepeatAsync(Func<ValueTask> work, long calls)
    {
        // The allocations of all threads are counted, because asynchronous work continues on other threads.
        var bytes = GC.GetTotalAllocatedBytes(precise: true);
        var start = Stopwatch.GetTimestamp();
        for (var i = 0L; i < calls; i++) await work();
        return (Stopwatch.GetElapsedTime(start), GC.GetTotalAllocatedBytes(precise: true) - bytes);
    }
}
