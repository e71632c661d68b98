namespace CozeCluster.Discord;

/// <summary>
/// How a text that a bot had to send in several messages is joined again. Bots cut it at Discord's length limit or at a smaller one of their own, some between
/// lines or words; and Discord removes white space at the beginning and the end of a message.
/// </summary>
internal static class Continuation
{
    /// <summary>
    /// A message of this length may be continued by the next one. Bots that cut between paragraphs seldom leave more than half of Discord's limit unused, and
    /// messages that bots mean to be separate are seldom that long.
    /// </summary>
    public const int MinLength = DiscordLimits.MessageUnits / 2;

    /// <summary>The limits that bots choose for themselves are multiples of this.</summary>
    private const int LimitStep = 50;

    /// <summary>What was between two messages: nothing, or a line break that was removed. A line break in the place of a space is shown as one.</summary>
    /// <param name="before">The earlier message as Discord has it.</param>
    /// <param name="after">The text of the next one.</param>
    public static string Separator(string before, string after)
    {
        if (before.Length == 0 || after.Length == 0 || char.IsWhiteSpace(before[^1]) || char.IsWhiteSpace(after[0])) return "";
        // A cut would have split the pair.
        var length = char.IsHighSurrogate(after[0]) && (before.Length + 1) % LimitStep == 0 ? before.Length + 1 : before.Length;
        return length % LimitStep == 0 ? "" : "\n";
    }
}
