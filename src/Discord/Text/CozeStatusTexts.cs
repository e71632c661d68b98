using System.Text.RegularExpressions;

namespace CozeCluster.Discord;

/// <summary>The meaning of a status text.</summary>
/// <param name="Code">The error.</param>
/// <param name="RecoveryAction">What to do; it can differ from the usual action of the error code.</param>
/// <param name="Until">When the limit ends; null if the text is not about a limit.</param>
/// <param name="Text">Coze's text, for the client, without the addresses of its links: they are meant for the account's owner.</param>
internal sealed record CozeStatusText(ErrorCode Code, RecoveryAction RecoveryAction, DateTimeOffset? Until, string Text)
{
    /// <summary>The error that the client receives.</summary>
    public Error ToError() => new(Code, $"Coze says: {Text}", Until: Until) { OwnRecoveryAction = RecoveryAction };
}

/// <summary>
/// The one place that knows the status texts (in the documentation: service messages), which Coze's Discord bots send instead of a reply. A message is a
/// status text if it begins with the unmistakable beginning of one, or with a beginning that a model might write too and little other text follows; links do
/// not count. It is also one if it links to the page where Coze sells credits, with the parameters that Coze puts there, whatever its words. A reply that only
/// quotes a status text is a reply.
/// </summary>
internal static partial class CozeStatusTexts
{
    // Coze's wording after a known beginning varies.
    private const int MaxTail = 160;

    private static readonly Row[] Rows =
    [
        new("Something wrong occurs, please retry", ErrorCode.UpstreamFailed, RecoveryAction.Retry),
        new("Some error occurred. Please try again or contact the support team", ErrorCode.UpstreamFailed, RecoveryAction.Retry),
        new("There are too many users now", ErrorCode.UpstreamBusy, RecoveryAction.Retry),
        new("We've detected unusual traffic from your network", ErrorCode.UpstreamForbidden, RecoveryAction.RotateAccount),
        OutOfCredit("You have exceeded the daily limit for sending messages to the bot"),
        OutOfCredit("Hi there! You've used up your free chat credits"),
        OutOfCredit("Hi there! You've used up your credits for today"),
        new(
            "The bot's usage is covered by the developer, but due to the developer's message credits being exhausted",
            ErrorCode.UpstreamQuotaExceeded, RecoveryAction.CoolBot, Tail.Any, IsDaily: true),
        // Models write this too, and continue. It is a status text only if nothing follows.
        new("I'm sorry, but I can't assist with that.", ErrorCode.ContentFiltered, RecoveryAction.GiveUp, Tail.None),
    ];

    private static readonly Row Sale = OutOfCredit("");

    /// <summary>How much may follow a beginning.</summary>
    private enum Tail
    {
        Short,
        Any,
        None,
    }

    /// <summary>Looks up a message.</summary>
    /// <param name="text">The whole message.</param>
    /// <param name="now">The time.</param>
    /// <param name="reset">When daily limits end; null: <see cref="DailyReset.Default"/>.</param>
    /// <returns>The meaning; null if the message is not a status text.</returns>
    public static CozeStatusText? Match(string text, DateTimeOffset now, DailyReset? reset = null)
    {
        var plain = Normalize(text);
        var row = Rows.FirstOrDefault(row => row.Matches(plain)) ?? (SaleLink().IsMatch(plain) ? Sale : null);
        if (row is null) return null;
        return new CozeStatusText(row.Code, row.RecoveryAction, row.IsDaily ? (reset ?? DailyReset.Default).Next(now) : null, WithoutAddresses(plain));
    }

    /// <summary>Whether a message that is still growing is or may become a status text. Such a message must not be shown.</summary>
    public static bool MayBecomeOne(string text)
    {
        var plain = Normalize(text);
        return SaleLink().IsMatch(plain)
            || Rows.Any(row => plain.Length <= row.Beginning.Length ? row.Beginning.StartsWith(plain, StringComparison.OrdinalIgnoreCase) : row.Matches(plain));
    }

    /// <summary>Removes the mentions before the text, and replaces typographic apostrophes.</summary>
    private static string Normalize(string text)
    {
        var plain = text.AsSpan().Trim();
        while (plain.StartsWith("<@") && plain.IndexOf('>') is > 0 and < 25 and var end) plain = plain[(end + 1)..].TrimStart();
        return plain.ToString().Replace('’', '\'');
    }

    private static string WithoutAddresses(string plain) => Link().Replace(plain, link => link.Groups["label"].Value).TrimEnd();

    private static Row OutOfCredit(string beginning) => new(beginning, ErrorCode.UpstreamQuotaExceeded, RecoveryAction.RotateAccount, Tail.Any, IsDaily: true);

    /// <summary>The address of the page where Coze sells credits, for the bot of this message.</summary>
    [GeneratedRegex(@"https?://(?:www\.)?coze\.(?:com|cn)/premium\S*[?&]bot_?id=\d", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex SaleLink();

    /// <summary>A Markdown link, or an address.</summary>
    [GeneratedRegex(@"\[(?<label>[^\]]*)\]\([^)\s]*\)?|https?://\S+", RegexOptions.CultureInvariant)]
    private static partial Regex Link();

    private sealed record Row(string Beginning, ErrorCode Code, RecoveryAction RecoveryAction, Tail Tail = Tail.Short, bool IsDaily = false)
    {
        public bool Matches(string plain) => plain.StartsWith(Beginning, StringComparison.OrdinalIgnoreCase) && Tail switch
        {
            Tail.Any => true,
            Tail.None => plain.Length == Beginning.Length,
            _ => Link().Replace(plain[Beginning.Length..], "").Length <= MaxTail,
        };
    }
}
