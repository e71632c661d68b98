using System.Diagnostics;

namespace CozeCluster.Drill;

/// <summary>One drill from start to end. Its servers end with it, however it ends.</summary>
internal static class DrillRun
{
    private static readonly TimeSpan CancelPatience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <param name="options">What to do.</param>
    /// <param name="tell">Told how it goes.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="ServerException">A server does not run.</exception>
    public static async Task<DrillReport> RunAsync(DrillOptions options, Action<string> tell, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        await using var stage = await Stage.StartAsync(options, cancellationToken);
        tell($"sandbox at {stage.Sandbox}, {(options.IsCluster ? $"{options.Silos} silos, {options.Gateways} gateways, clients at" : "node at")} {string.Join(", ", stage.Doors)}, started in {Stopwatch.GetElapsedTime(start).TotalSeconds:f1} s; seed {options.Seed}");

        // A client that drops a reply drops its connection at once, instead of reading on to keep it.
        using var http = new HttpClient(new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero, UseProxy = false }) { Timeout = Timeout.InfiniteTimeSpan };
        var clients = StreamPlan.Make(options).Select(plan => new StreamClient(plan, http, stage.Doors, options.Cuts)).ToList();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Limit);
        var killer = new Killer(stage, options, new Random(options.Seed + 1), tell);
        await RunAsync(clients, killer, tell, limit, cancellationToken);

        var troubles = await stage.TroublesAsync(cancellationToken);
        await stage.EnsureNodesAsync(cancellationToken);
        using IFarRecord record = options.Discord ? new DiscordRecord(stage.Sandbox) : new CozeRecord(stage.Sandbox);
        var chats = await SettledAsync(record, clients, cancellationToken);
        // Whoever is only told to stop loses nothing.
        var judge = new Judge(record, http, stage.Doors[0], chats, killed: killer.Kills > 0 && !options.Rolling);
        var findings = new List<Finding>();
        foreach (var client in clients) findings.Add(await judge.JudgeAsync(client, cancellationToken));
        var unknown = findings.Where(finding => finding.Outcome == Outcome.OutcomeUnknown).Select(finding => finding.Client.Plan.Index).ToHashSet();
        var left = record is DiscordRecord discord ? await discord.TidyAsync(unknown, cancellationToken) : null;
        return new DrillReport(options, findings, troubles, left, killer.Kills, killer.Down, Stopwatch.GetElapsedTime(start), chats);
    }

    private static async Task RunAsync(
        IReadOnlyList<StreamClient> clients, Killer killer, Action<string> tell, CancellationTokenSource limit, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        var running = Task.WhenAll(clients.Select(client => client.RunAsync(limit.Token)));
        var killing = killer.RunAsync(over.Token, limit.Token);
        try
        {
            // A node that does not start again ends the drill at once.
            if (await Task.WhenAny(running, killing) == killing) await killing;
            await running;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            tell("Out of time.");
        }
        finally
        {
            await over.CancelAsync();
            try
            {
                await killing;
            }
            catch (OperationCanceledException)
            {
            }
            if (!running.IsCompleted) await limit.CancelAsync();
        }
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>The chats, once those that were cancelled are so at the fake Coze too.</summary>
    private static async Task<ILookup<int, FarChat>> SettledAsync(IFarRecord record, IReadOnlyList<StreamClient> clients, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            var chats = await record.ChatsAsync(cancellationToken);
            var late = clients.Any(client => client.ErrorCode == "cancelled" && chats[client.Plan.Index].Any(chat => chat.IsRunning));
            if (!late || Stopwatch.GetElapsedTime(start) > CancelPatience) return chats;
            await Task.Delay(Pause, cancellationToken);
        }
    }
}
