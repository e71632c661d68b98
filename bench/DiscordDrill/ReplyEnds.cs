using System.Text;

namespace CozeCluster.DiscordDrill;

/// <summary>Replies without buttons of trained bots, at several cadences at once.</summary>
internal static class ReplyEnds
{
    private const int Training = 10;
    private const int AtOnce = 20;

    /// <returns>A table.</returns>
    public static async Task<string> RunAsync(Stage stage, DrillOptions options, CancellationToken cancellationToken)
    {
        var table = new StringBuilder($"""
            | edits every | longest pause | replies | cut short | end after last edit | first text after its event |
            |---|---|---|---|---|---|

            """);
        var from = stage.Discord.Records.Next;
        foreach (var row in await Task.WhenAll(options.Cadences.Select(cadence => MeasureAsync(stage, cadence, from, options, cancellationToken)))) table.AppendLine(row);
        return table.ToString();
    }

    private static async Task<string> MeasureAsync(Stage stage, int cadence, long from, DrillOptions options, CancellationToken cancellationToken)
    {
        await AskAllAsync(stage.Client, cadence, 0, Training, options, cancellationToken);
        var asked = new List<(string Mark, Reply Reply)>();
        for (var done = 0; done < options.Replies; done += AtOnce)
            asked.AddRange(await AskAllAsync(stage.Client, cadence, Training + done, Math.Min(AtOnce, options.Replies - done), options, cancellationToken));

        var lines = stage.Discord.Records.Lines(from);
        var failed = asked.Count(one => one.Reply.Error is not null);
        var whole = asked.Where(one => one.Reply.Error is null && one.Reply.Text == Talk.Text(one.Mark)).ToList();
        var end = Spread.Of(whole.Select(one => Sightings.End(lines, one.Mark, one.Reply)).OfType<TimeSpan>());
        var first = Spread.Of(asked.Where(one => one.Reply.Error is null).Select(one => Sightings.FirstText(lines, one.Mark, one.Reply)).OfType<TimeSpan>());
        var cut = asked.Count - failed - whole.Count;
        var pause = asked.Select(one => Sightings.LongestPause(lines, one.Mark)).Max() ?? TimeSpan.Zero;
        return $"| {cadence} ms ± {options.Jitter} % | {Spread.Text(pause)} | {asked.Count}{(failed > 0 ? $", {failed} failed" : "")} | {cut} ({100.0 * cut / asked.Count:0.#} %) | {end} | {first} |";
    }

    private static async Task<IReadOnlyList<(string Mark, Reply Reply)>> AskAllAsync(Client client, int cadence, int first, int count, DrillOptions options, CancellationToken cancellationToken) =>
        await Task.WhenAll(Enumerable.Range(first, count).Select(async number =>
        {
            var mark = $"p{cadence}r{number}";
            var prompt = Talk.Prompt(mark, $"buttons=0 chunks=8 pace={cadence}ms jitter={options.Jitter}");
            return (mark, await client.AskAsync(DrillFleet.Paced(cadence), prompt, null, null, cancellationToken));
        }));
}
