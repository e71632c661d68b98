using System.Diagnostics;

namespace CozeCluster.Drill;

/// <summary>Ends nodes at random moments and starts them again; or, rolling, one after another.</summary>
internal sealed class Killer(Stage stage, DrillOptions options, Random random, Action<string> tell)
{
    /// <summary>How often one was ended.</summary>
    public int Kills { get; private set; }

    /// <summary>How long one was away, all times together.</summary>
    public TimeSpan Down { get; private set; }

    /// <summary>Runs until all kills are done or <paramref name="over"/>; all nodes run afterwards.</summary>
    /// <exception cref="ServerException">A node does not start again.</exception>
    public async Task RunAsync(CancellationToken over, CancellationToken stop)
    {
        var start = Stopwatch.GetTimestamp();
        // While replies run, and with time left to start again and be killed again.
        var window = options.Ramp + options.Length * 0.8;
        var moments = Enumerable.Range(0, options.Kills).Select(number => window * (options.IsCluster ? (number + 0.5) / options.Kills : 0.05 + 0.95 * random.NextDouble())).Order().ToList();
        foreach (var moment in moments)
        {
            // A node that took long to start has some time to work all the same.
            var wait = moment - Stopwatch.GetElapsedTime(start);
            var least = Kills == 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(random.Next(100, 1_500));
            if (options.Rolling) wait = least;
            try
            {
                await Task.Delay(wait > least ? wait : least, over);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            stop.ThrowIfCancellationRequested();
            await EndAsync(stage.Victim(Kills), Stopwatch.GetElapsedTime(start), stop);
        }
    }

    private async Task EndAsync(Node node, TimeSpan at, CancellationToken stop)
    {
        var begun = Stopwatch.GetTimestamp();
        if (options.Rolling) await node.StopAsync(options.Notice + options.Drain, stop);
        else await node.KillAsync();
        var ended = Stopwatch.GetElapsedTime(begun);
        Kills++;
        await Task.Delay(options.Away ?? TimeSpan.FromMilliseconds(random.Next(500)), stop);
        await node.StartAsync(stop);
        Down += Stopwatch.GetElapsedTime(begun);
        if (options.IsCluster) tell($"{node.Name} {(options.Rolling ? $"told to stop at {at.TotalSeconds:f1} s, took {ended.TotalSeconds:f1} s" : $"killed at {at.TotalSeconds:f1} s")}, ready again {Stopwatch.GetElapsedTime(begun).TotalSeconds:f1} s later");
    }
}
