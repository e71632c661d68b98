using System.Diagnostics;

namespace CozeCluster.Load;

/// <summary>One run: opens the streams, lets them warm up, measures for a while, drops them.</summary>
internal static class LoadRun
{
    private static readonly TimeSpan HoldSettles = TimeSpan.FromSeconds(2);

    public static async Task<LoadResult> RunAsync(LoadOptions options)
    {
        var measures = new Measures();
        var request = options.Request();
        var meters = new Meters(options);
        var memoryBefore = meters.ServerMemory;
        var clients = Enumerable.Range(0, options.Streams).Select(_ => new StreamClient(options, request, measures)).ToList();
        var running = clients.Select((client, i) => client.RunAsync(options.Ramp * i / options.Streams)).ToList();

        await Wait(options.Ramp + options.Warmup);
        if (options.Hold)
        {
            var limit = Stopwatch.GetTimestamp();
            while (measures.Begun < options.Streams && Stopwatch.GetElapsedTime(limit) < options.Duration) await Wait(TimeSpan.FromMilliseconds(50));
            if (measures.Begun < options.Streams) measures.Error($"{options.Streams - measures.Begun} streams did not begin in time");
            await Wait(HoldSettles);
        }

        measures.IsOn = true;
        var start = Stopwatch.GetTimestamp();
        var (before, cpuBefore) = (Progress(clients), meters.Cpu());
        await Wait(options.Duration);
        var (after, cpuAfter) = (Progress(clients), meters.Cpu());
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        measures.IsOn = false;
        var memoryAfter = meters.ServerMemory;

        clients.ForEach(client => client.Dispose());
        await Task.WhenAll(running);

        return new LoadResult
        {
            Name = options.Name,
            Target = options.Target,
            Streams = options.Streams,
            PaceMs = options.Pace.TotalMilliseconds,
            Seconds = seconds,
            Chunks = (after.Text - before.Text) / options.ChunkSize,
            Events = after.Events - before.Events,
            Replies = after.Replies - before.Replies,
            FirstTextP50Ms = measures.FirstText.Quantile(0.5).TotalMilliseconds,
            FirstTextP99Ms = measures.FirstText.Quantile(0.99).TotalMilliseconds,
            LagP50Ms = measures.Lag.Quantile(0.5).TotalMilliseconds,
            LagP99Ms = measures.Lag.Quantile(0.99).TotalMilliseconds,
            ServerCpu = (cpuAfter.Server - cpuBefore.Server).TotalSeconds,
            UpstreamCpu = (cpuAfter.Upstream - cpuBefore.Upstream).TotalSeconds,
            LoadCpu = (cpuAfter.Load - cpuBefore.Load).TotalSeconds,
            MemoryPerStream = (memoryAfter - memoryBefore) / (double)options.Streams,
            Errors = measures.Errors.Values.Sum(),
            ErrorKinds = measures.Errors.ToDictionary(),
        };
    }

    private static Task Wait(TimeSpan duration) => Task.Delay(duration, TimeProvider.System);

    private static (long Text, long Events, long Replies) Progress(List<StreamClient> clients)
    {
        var sum = (Text: 0L, Events: 0L, Replies: 0L);
        foreach (var client in clients)
        {
            var (text, events, replies) = client.Progress;
            sum = (sum.Text + text, sum.Events + events, sum.Replies + replies);
        }
        return sum;
    }

    private sealed class Meters(LoadOptions options)
    {
        private readonly ProcessMeter? _server = options.ServerPids.Count > 0 ? new ProcessMeter(options.ServerPids) : null;
        private readonly ProcessMeter? _upstream = options.UpstreamPid is { } pid ? new ProcessMeter(pid) : null;
        private readonly ProcessMeter _load = new(Environment.ProcessId);

        public long ServerMemory => _server?.Memory() ?? 0;

        public (TimeSpan Server, TimeSpan Upstream, TimeSpan Load) Cpu() => (_server?.Cpu() ?? default, _upstream?.Cpu() ?? default, _load.Cpu());
    }
}
