using System.Diagnostics;

namespace CozeCluster.Load;

/// <summary>One run: opens the streams, warms up, measurements, and closes the streams.</summary>
internal static class LoadRun
{
    private static readonly TimeSpan HoldPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    public static async Task<LoadResult> RunAsync(LoadOptions options)
    {
        var measurements = new Measurements();
        var request = options.CreateRequest();
        var meters = new Meters(options);
        var memoryBefore = meters.ServerMemory;
        var clients = Enumerable.Range(0, options.Streams).Select(_ => new StreamClient(options, request, measurements)).ToList();
        var running = clients.Select((client, i) => client.RunAsync(options.Ramp * i / options.Streams)).ToList();

        await Wait(options.Ramp + options.Warmup);
        if (options.Hold)
        {
            var waitStart = Stopwatch.GetTimestamp();
            while (measurements.BegunReplies < options.Streams && Stopwatch.GetElapsedTime(waitStart) < options.Duration) await Wait(PollInterval);
            var missing = options.Streams - measurements.BegunReplies;
            if (missing > 0) measurements.AddError($"{missing} streams did not begin in time");
            await Wait(HoldPause);
        }

        measurements.IsEnabled = true;
        var start = Stopwatch.GetTimestamp();
        var (before, cpuBefore) = (SumProgress(clients), meters.Cpu());
        await Wait(options.Duration);
        var (after, cpuAfter) = (SumProgress(clients), meters.Cpu());
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        measurements.IsEnabled = false;
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
            FirstTextP50Ms = measurements.FirstText.Quantile(0.5).TotalMilliseconds,
            FirstTextP99Ms = measurements.FirstText.Quantile(0.99).TotalMilliseconds,
            LagP50Ms = measurements.Lag.Quantile(0.5).TotalMilliseconds,
            LagP99Ms = measurements.Lag.Quantile(0.99).TotalMilliseconds,
            ServerCpu = (cpuAfter.Server - cpuBefore.Server).TotalSeconds,
            UpstreamCpu = (cpuAfter.Upstream - cpuBefore.Upstream).TotalSeconds,
            LoadCpu = (cpuAfter.Load - cpuBefore.Load).TotalSeconds,
            MemoryPerStream = (memoryAfter - memoryBefore) / (double)options.Streams,
            Errors = measurements.Errors.Values.Sum(),
            ErrorKinds = measurements.Errors.ToDictionary(),
        };
    }

    private static Task Wait(TimeSpan duration) => Task.Delay(duration, TimeProvider.System);

    private static (long Text, long Events, long Replies) SumProgress(List<StreamClient> clients)
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
