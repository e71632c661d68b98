using CozeCluster.Sandbox.Discord;

namespace CozeCluster.DiscordDrill;

/// <summary>Many named conversations at once while listeners are cut off. Each next turn is sent while the one before is still being answered.</summary>
internal static class Storm
{
    private static readonly TimeSpan CleanPatience = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    public static async Task<StormReport> RunAsync(Stage stage, DrillOptions options, CancellationToken cancellationToken)
    {
        var random = new Random(options.Seed);
        var start = DateTimeOffset.UtcNow;
        using var calm = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var cutting = Cutter.RunAsync(stage.Discord, options.CutEvery, new Random(options.Seed + 1), calm.Token);
        var paces = Enumerable.Range(0, options.Conversations).Select(_ => random.Next(50, 500)).ToList();
        var conversations = await Task.WhenAll(paces.Select((pace, number) => TalkAsync(stage.Client, number, pace, options, cancellationToken)));
        await calm.CancelAsync();
        var took = DateTimeOffset.UtcNow - start;

        var lines = stage.Discord.Records.Lines();
        for (var waited = TimeSpan.Zero; stage.ChannelsMade > 0 && waited < CleanPatience; waited += Look) await Task.Delay(Look, cancellationToken);

        var replies = conversations.SelectMany(replies => replies).ToList();
        return new StormReport(options, took, await cutting)
        {
            Exact = replies.Count(one => one.Reply.Error is null && one.Reply.Text == Talk.Text(one.Mark)),
            Crossed = replies.Count(one => one.Reply.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Any(word => !word.StartsWith($"{one.Mark}.", StringComparison.Ordinal))),
            Errors = [.. replies.Select(one => one.Reply.Error).OfType<string>()],
            Disordered = conversations.Count(turns => !IsInOrder(turns, lines)),
            Left = stage.ChannelsMade,
            DoubleSends = stage.Discord.Records.Count(DiscordRecordKind.DoubleSend),
            Resumed = stage.Discord.Records.Count(DiscordRecordKind.Resumed),
            Identified = stage.Discord.Records.Count(DiscordRecordKind.Identified),
            RateLimited = stage.Discord.Records.Count(DiscordRecordKind.RateLimited),
            First = Spread.Of(replies.Where(one => one.Reply.Error is null).Select(one => Sightings.FirstText(lines, one.Mark, one.Reply)).OfType<TimeSpan>()),
        };
    }

    private static async Task<List<(string Mark, Reply Reply)>> TalkAsync(Client client, int number, int pace, DrillOptions options, CancellationToken cancellationToken)
    {
        var turns = new List<(string Mark, Task<Reply> Reply)>();
        for (var turn = 0; turn < options.Turns; turn++)
        {
            var mark = $"c{number}t{turn}";
            var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var asking = client.AskAsync(
                DrillFleet.Storm, Talk.Prompt(mark, $"chunks=10 pace={pace}ms jitter={options.Jitter}"), $"storm-{number}", () => begun.TrySetResult(), cancellationToken);
            turns.Add((mark, asking));
            await Task.WhenAny(begun.Task, asking);
        }
        await Task.WhenAll(turns.Select(turn => turn.Reply));
        return [.. turns.Select(turn => (turn.Mark, turn.Reply.Result))];
    }

    /// <summary>Whether the conversation's prompts stand once each, in their order, in one channel.</summary>
    private static bool IsInOrder(List<(string Mark, Reply Reply)> turns, IReadOnlyList<DiscordRecord> lines)
    {
        var prompts = turns.Select(turn => Sightings.Prompts(lines, turn.Mark)).ToList();
        return prompts.TrueForAll(posted => posted.Count == 1)
            && prompts.Select(posted => posted[0].ChannelId).Distinct().Count() == 1
            && prompts.Select(posted => posted[0].Index).SequenceEqual(prompts.Select(posted => posted[0].Index).Order());
    }
}
