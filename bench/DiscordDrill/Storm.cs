using CozeCluster.Sandbox.Discord;

namespace CozeCluster.DiscordDrill;

/// <summary>Runs many named conversations at once while listeners are disconnected. Each turn is sent while the turn before it is being answered.</summary>
internal static class Storm
{
    private static readonly TimeSpan CleanupTimeout = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(1);

    public static async Task<StormReport> RunAsync(Stage stage, DrillOptions options, CancellationToken cancellationToken)
    {
        var random = new Random(options.Seed);
        var start = DateTimeOffset.UtcNow;
        using var conversationsEnded = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var disconnecting = Disconnector.RunAsync(stage.Discord, options.CutEveryMs, new Random(options.Seed + 1), conversationsEnded.Token);
        var paces = Enumerable.Range(0, options.Conversations).Select(_ => random.Next(50, 500)).ToList();
        var conversations = await Task.WhenAll(paces.Select((pace, number) => RunConversationAsync(stage.Client, number, pace, options, cancellationToken)));
        await conversationsEnded.CancelAsync();
        var duration = DateTimeOffset.UtcNow - start;

        var records = stage.Discord.Records.Lines();
        for (var waited = TimeSpan.Zero; stage.CreatedChannels > 0 && waited < CleanupTimeout; waited += CheckInterval)
            await Task.Delay(CheckInterval, cancellationToken);

        var replies = conversations.SelectMany(replies => replies).ToList();
        var completed = replies.Where(reply => reply.Reply.Error is null).ToList();
        return new StormReport(options, duration, await disconnecting)
        {
            Exact = completed.Count(reply => reply.Reply.Text == MarkedText.Text(reply.Mark)),
            Crossed = replies.Count(reply => HasWordsOfOthers(reply.Mark, reply.Reply)),
            Errors = [.. replies.Select(reply => reply.Reply.Error).OfType<string>()],
            OutOfOrder = conversations.Count(turns => !IsInOrder(turns, records)),
            ChannelsLeft = stage.CreatedChannels,
            DoubleSends = stage.Discord.Records.Count(DiscordRecordKind.DoubleSend),
            Resumed = stage.Discord.Records.Count(DiscordRecordKind.Resumed),
            Identified = stage.Discord.Records.Count(DiscordRecordKind.Identified),
            RateLimited = stage.Discord.Records.Count(DiscordRecordKind.RateLimited),
            FirstText = DurationSummary.Of(completed.Select(reply => ReplyRecords.DelayOfFirstText(records, reply.Mark, reply.Reply))),
        };
    }

    private static async Task<List<(string Mark, Reply Reply)>> RunConversationAsync(
        Client client, int number, int pace, DrillOptions options, CancellationToken cancellationToken)
    {
        var turns = new List<(string Mark, Task<Reply> Reply)>();
        for (var turn = 0; turn < options.Turns; turn++)
        {
            var mark = $"c{number}t{turn}";
            var firstText = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var prompt = MarkedText.Prompt(mark, $"chunks=10 pace={pace}ms jitter={options.Jitter}");
            var reply = client.SendAsync(DrillFleet.StormModel, prompt, $"storm-{number}", () => firstText.TrySetResult(), cancellationToken);
            turns.Add((mark, reply));
            await Task.WhenAny(firstText.Task, reply);
        }
        await Task.WhenAll(turns.Select(turn => turn.Reply));
        return [.. turns.Select(turn => (turn.Mark, turn.Reply.Result))];
    }

    private static bool HasWordsOfOthers(string mark, Reply reply) =>
        reply.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Any(word => !word.StartsWith($"{mark}.", StringComparison.Ordinal));

    /// <summary>Whether each prompt of a conversation was posted once, in the order of its turns, and all in one channel.</summary>
    private static bool IsInOrder(List<(string Mark, Reply Reply)> turns, IReadOnlyList<DiscordRecord> records)
    {
        var prompts = turns.Select(turn => ReplyRecords.Prompts(records, turn.Mark)).ToList();
        return prompts.TrueForAll(posted => posted.Count == 1)
            && prompts.Select(posted => posted[0].ChannelId).Distinct().Count() == 1
            && prompts.Select(posted => posted[0].Index).SequenceEqual(prompts.Select(posted => posted[0].Index).Order());
    }
}
