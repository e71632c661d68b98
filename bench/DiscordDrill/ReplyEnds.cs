using System.Text;

namespace CozeCluster.DiscordDrill;

/// <summary>Measures how soon replies without buttons end, at several cadences at once, with bots whose pace has been learnt.</summary>
internal static class ReplyEnds
{
    private const int TrainingReplies = 10;
    private const int ConcurrentReplies = 20;

    /// <summary>The node learns from a reply when it has been silent for half a minute after its end.</summary>
    private static readonly TimeSpan LearningTime = TimeSpan.FromSeconds(35);

    /// <returns>A table.</returns>
    public static async Task<string> RunAsync(Stage stage, DrillOptions options, CancellationToken cancellationToken)
    {
        var table = new StringBuilder($"""
            | edits every | longest pause | replies | cut short | end after last edit | first text after its event |
            |---|---|---|---|---|---|

            """);
        var start = stage.Discord.Records.Next;
        var rows = await Task.WhenAll(options.Cadences.Select(cadence => MeasureAsync(stage, cadence, start, options, cancellationToken)));
        foreach (var row in rows) table.AppendLine(row);
        return table.ToString();
    }

    private static async Task<string> MeasureAsync(Stage stage, int cadence, long start, DrillOptions options, CancellationToken cancellationToken)
    {
        await SendAllAsync(stage.Client, cadence, 0, TrainingReplies, options, cancellationToken);
        await Task.Delay(LearningTime, cancellationToken);
        var replies = new List<(string Mark, Reply Reply)>();
        while (replies.Count < options.Replies)
        {
            var count = Math.Min(ConcurrentReplies, options.Replies - replies.Count);
            replies.AddRange(await SendAllAsync(stage.Client, cadence, TrainingReplies + replies.Count, count, options, cancellationToken));
        }

        var records = stage.Discord.Records.Lines(start);
        var completed = replies.Where(reply => reply.Reply.Error is null).ToList();
        var whole = completed.Where(reply => reply.Reply.Text == MarkedText.Text(reply.Mark)).ToList();
        var end = DurationSummary.Of(whole.Select(reply => ReplyRecords.DelayOfEnd(records, reply.Mark, reply.Reply)));
        var firstText = DurationSummary.Of(completed.Select(reply => ReplyRecords.DelayOfFirstText(records, reply.Mark, reply.Reply)));
        var failed = replies.Count - completed.Count;
        var cut = completed.Count - whole.Count;
        var pause = replies.Select(reply => ReplyRecords.LongestPause(records, reply.Mark)).Max() ?? TimeSpan.Zero;
        return $"| {cadence} ms ± {options.Jitter} % | {DurationSummary.Format(pause)} | {replies.Count}{(failed > 0 ? $", {failed} failed" : "")} " +
            $"| {cut} ({100.0 * cut / replies.Count:0.#} %) | {end} | {firstText} |";
    }

    private static async Task<IReadOnlyList<(string Mark, Reply Reply)>> SendAllAsync(
        Client client, int cadence, int first, int count, DrillOptions options, CancellationToken cancellationToken) =>
        await Task.WhenAll(Enumerable.Range(first, count).Select(async number =>
        {
            var mark = $"p{cadence}r{number}";
            var prompt = MarkedText.Prompt(mark, $"buttons=0 chunks=8 pace={cadence}ms jitter={options.Jitter}");
            return (mark, await client.SendAsync(DrillFleet.ModelFor(cadence), prompt, null, null, cancellationToken));
        }));
}
