using CozeCluster.Sandbox.Discord;

namespace CozeCluster.DiscordDrill;

/// <summary>
/// Finds what the fake Discord recorded about one reply. The words of a reply contain its mark, so it is found independently of how the node posts prompts.
/// </summary>
internal static class ReplyRecords
{
    private static readonly HashSet<string> Bots = [.. DiscordSeeds.CozeBots.Select(bot => bot.Id)];

    /// <summary>The messages that posted the prompt.</summary>
    public static IReadOnlyList<DiscordRecord> Prompts(IReadOnlyList<DiscordRecord> records, string mark) =>
    [
        .. records.Where(record => record.Kind == DiscordRecordKind.MessageCreated
            && !Bots.Contains(record.UserId!) && record.Detail!.Contains($" {mark} [[", StringComparison.Ordinal)),
    ];

    /// <summary>The time from the first message of the reply to its first text at the client; null if the records no longer contain the reply.</summary>
    public static TimeSpan? DelayOfFirstText(IReadOnlyList<DiscordRecord> records, string mark, Reply reply) =>
        Steps(records, mark).Select(step => (TimeSpan?)(reply.FirstTextAt - step.At)).FirstOrDefault();

    /// <summary>The time from the last message or edit of the reply to its end at the client; null if the records no longer contain the reply.</summary>
    public static TimeSpan? DelayOfEnd(IReadOnlyList<DiscordRecord> records, string mark, Reply reply) =>
        Steps(records, mark).Where(step => step.At <= reply.EndAt).Select(step => (TimeSpan?)(reply.EndAt - step.At)).LastOrDefault();

    /// <summary>The longest time between two steps of a reply; null if it has only one step.</summary>
    public static TimeSpan? LongestPause(IReadOnlyList<DiscordRecord> records, string mark)
    {
        var steps = Steps(records, mark).ToList();
        return steps.Count < 2 ? null : steps.Zip(steps.Skip(1), (step, next) => next.At - step.At).Max();
    }

    /// <summary>The messages and edits of a reply.</summary>
    private static IEnumerable<DiscordRecord> Steps(IReadOnlyList<DiscordRecord> records, string mark) => records.Where(record =>
        record.Kind is DiscordRecordKind.MessageCreated or DiscordRecordKind.MessageEdited
        && Bots.Contains(record.UserId!) && record.Detail!.StartsWith($"{mark}.", StringComparison.Ordinal));
}
