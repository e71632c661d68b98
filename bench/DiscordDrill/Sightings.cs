using CozeCluster.Sandbox.Discord;

namespace CozeCluster.DiscordDrill;

/// <summary>What the fake Discord recorded of one reply. Its words bear its mark, so they are found without knowing how the node posts.</summary>
internal static class Sightings
{
    private static readonly HashSet<string> Bots = [.. DiscordSeeds.CozeBots.Select(bot => bot.Id)];

    /// <summary>The messages that posted the prompt.</summary>
    public static IReadOnlyList<DiscordRecord> Prompts(IReadOnlyList<DiscordRecord> lines, string mark) =>
        [.. lines.Where(line => line.Kind == DiscordRecordKind.MessageCreated && !Bots.Contains(line.UserId!) && line.Detail!.Contains($" {mark} [[", StringComparison.Ordinal))];

    /// <summary>From the message that began the reply to its first text at the client; null if the record does not reach back so far.</summary>
    public static TimeSpan? FirstText(IReadOnlyList<DiscordRecord> lines, string mark, Reply reply) =>
        Steps(lines, mark).Select(line => (TimeSpan?)(reply.FirstAt - line.At)).FirstOrDefault();

    /// <summary>From the last message or edit before the end to the end at the client.</summary>
    public static TimeSpan? End(IReadOnlyList<DiscordRecord> lines, string mark, Reply reply) =>
        Steps(lines, mark).Where(line => line.At <= reply.EndAt).Select(line => (TimeSpan?)(reply.EndAt - line.At)).LastOrDefault();

    /// <summary>The longest time between two of a reply's edits; null if it had but one step.</summary>
    public static TimeSpan? LongestPause(IReadOnlyList<DiscordRecord> lines, string mark)
    {
        var steps = Steps(lines, mark).ToList();
        return steps.Count < 2 ? null : steps.Zip(steps.Skip(1), (one, next) => next.At - one.At).Max();
    }

    private static IEnumerable<DiscordRecord> Steps(IReadOnlyList<DiscordRecord> lines, string mark) => lines.Where(line =>
        line.Kind is DiscordRecordKind.MessageCreated or DiscordRecordKind.MessageEdited && Bots.Contains(line.UserId!) && line.Detail!.StartsWith($"{mark}.", StringComparison.Ordinal));
}
