using System.Diagnostics;

namespace CozeCluster.Drill;

/// <summary>Kills nodes at random moments and starts them again; or, for a rolling restart, stops and starts all nodes one after another.</summary>
internal sealed class NodeRestarter(Stage stage, DrillOptions options, Random random, Action<string> report)
{
    /// <summary>How often a node was killed or stopped.</summary>
    public int Kills => Ends.Count;

    /// <summary>When a node was killed or stopped: before it was ended, and when it had ended.</summary>
    public List<(DateTimeOffset From, DateTimeOffset Until)> Ends { get; } = [];

    /// <summary>How long nodes were down, in total.</summary>
    public TimeSpan Downtime { get; private set; }

    /// <summary>Runs until all kills have taken place, or all replies have ended. All nodes run afterwards.</summary>
    /// <param name="repliesEnded">Cancelled when all replies have ended.</param>
    /// <param name="stop">Stops the run.</param>
    /// <exception cref="ServerException">A node does not start again.</exception>
    public async Task RunAsync(CancellationToken repliesEnded, CancellationToken stop)
    {
        var start = Stopwatch.GetTimestamp();
        // Kills must meet running replies, and leave time for the restart and for further kills.
        var window = options.Ramp + options.Length * 0.8;
        var moments = Enumerable.Range(0, options.Kills)
            .Select(number => window * (options.IsCluster ? (number + 0.5) / options.Kills : 0.05 + 0.95 * random.NextDouble()))
            .Order()
            .ToList();
        foreach (var moment in moments)
        {
            // A node that took long to start gets some time to work before the next kill.
            var pause = Kills == 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(random.Next(100, 1_500));
            var wait = options.Rolling ? pause : moment - Stopwatch.GetElapsedTime(start);
            try
            {
                await Task.Delay(wait > pause ? wait : pause, repliesEnded);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            stop.ThrowIfCancellationRequested();
            await RestartAsync(stage.NodeToEnd(Kills), Stopwatch.GetElapsedTime(start), stop);
        }
    }

    private async Task RestartAsync(Node node, TimeSpan at, CancellationToken stop)
    {
        var (begun, from) = (Stopwatch.GetTimestamp(), DateTimeOffset.UtcNow);
        if (options.Rolling) await node.StopAsync(options.Notice + options.Drain, stop);
        else await node.KillAsync();
        var ended = Stopwatch.GetElapsedTime(begun);
        Ends.Add((from, DateTimeOffset.UtcNow));
        await Task.Delay(options.Away ?? TimeSpan.FromMilliseconds(random.Next(500)), stop);
        await node.StartAsync(stop);
        var down = Stopwatch.GetElapsedTime(begun);
        Downtime += down;
        if (!options.IsCluster) return;
        var end = options.Rolling ? $"was stopped at {at.TotalSeconds:f1} s within {ended.TotalSeconds:f1} s" : $"was killed at {at.TotalSeconds:f1} s";
        report($"{node.Name} {end}, and was ready again {down.TotalSeconds:f1} s later");
    }
}
