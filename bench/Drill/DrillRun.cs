using System.Diagnostics;

namespace CozeCluster.Drill;

/// <summary>One drill. Its servers end with it, also when it fails.</summary>
internal static class DrillRun
{
    private static readonly TimeSpan CancelTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>Runs the drill from start to end.</summary>
    /// <param name="options">What to do.</param>
    /// <param name="report">Receives messages about the progress.</param>
    /// <param name="cancellationToken">Stops the drill.</param>
    /// <exception cref="ServerException">A server does not start.</exception>
    public static async Task<DrillReport> RunAsync(DrillOptions options, Action<string> report, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        await using var stage = await Stage.StartAsync(options, cancellationToken);
        var nodes = options.IsCluster ? $"{options.Silos} silos, {options.Gateways} gateways, clients at" : "node at";
        var elapsed = Stopwatch.GetElapsedTime(start);
        report($"sandbox at {stage.Sandbox}, {nodes} {string.Join(", ", stage.ClientAddresses)}, started in {elapsed.TotalSeconds:f1} s; seed {options.Seed}");

        // Without a drain timeout, a client that drops a reply closes its connection at once, instead of reading the rest to keep the connection.
        using var handler = new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero, UseProxy = false };
        using var http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        var clients = StreamPlan.CreateAll(options).Select(plan => new StreamClient(plan, http, stage.ClientAddresses, options.Cuts)).ToList();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Limit);
        var restarter = new NodeRestarter(stage, options, new Random(options.Seed + 1), report);
        await RunAsync(clients, restarter, report, limit, cancellationToken);

        var problems = await stage.GetNodeProblemsAsync(cancellationToken);
        await stage.EnsureNodesAsync(cancellationToken);
        using IUpstreamRecord record = options.Discord ? new DiscordRecord(stage.Sandbox) : new CozeRecord(stage.Sandbox);
        var chats = await GetChatsAsync(record, clients, cancellationToken);
        // A node that is stopped loses nothing, so a rolling restart does not count as killed.
        var killed = restarter.Kills > 0 && !options.Rolling;
        var verifier = new ReplyVerifier(record, http, stage.ClientAddresses[0], chats, killed);
        var replies = new List<ReplyResult>();
        foreach (var client in clients) replies.Add(await verifier.VerifyAsync(client, cancellationToken));
        var charges = options.Charges && record is CozeRecord coze
            ? await new ChargeVerifier(stage, coze, http, restarter.Ends).VerifyAsync(replies, options.Budget, cancellationToken)
            : null;
        var unknown = replies.Where(reply => reply.Outcome == Outcome.OutcomeUnknown).Select(reply => reply.Client.Plan.Index).ToHashSet();
        return new DrillReport(options, replies, chats)
        {
            NodeProblems = problems,
            Leftovers = record is DiscordRecord discord ? await discord.WaitForCleanupAsync(unknown, cancellationToken) : null,
            Charges = charges,
            Kills = restarter.Kills,
            Downtime = restarter.Downtime,
            Duration = Stopwatch.GetElapsedTime(start),
        };
    }

    private static async Task RunAsync(
        IReadOnlyList<StreamClient> clients, NodeRestarter restarter, Action<string> report, CancellationTokenSource limit, CancellationToken cancellationToken)
    {
        using var repliesEnded = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        var replies = Task.WhenAll(clients.Select(client => client.RunAsync(limit.Token)));
        var restarts = restarter.RunAsync(repliesEnded.Token, limit.Token);
        try
        {
            // A node that does not start again ends the drill at once.
            if (await Task.WhenAny(replies, restarts) == restarts) await restarts;
            await replies;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            report("The time limit was reached before all replies had ended.");
        }
        finally
        {
            await repliesEnded.CancelAsync();
            try
            {
                await restarts;
            }
            catch (OperationCanceledException)
            {
            }
            if (!replies.IsCompleted) await limit.CancelAsync();
        }
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Gets the chats. First waits until those of cancelled turns have ended, for a limited time.</summary>
    private static async Task<ILookup<int, UpstreamChat>> GetChatsAsync(
        IUpstreamRecord record, IReadOnlyList<StreamClient> clients, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            var chats = await record.GetChatsAsync(cancellationToken);
            var isPending = clients.Any(client => client.ErrorCode == "cancelled" && chats[client.Plan.Index].Any(chat => chat.IsRunning));
            if (!isPending || Stopwatch.GetElapsedTime(start) > CancelTimeout) return chats;
            await Task.Delay(PollInterval, cancellationToken);
        }
    }
}
