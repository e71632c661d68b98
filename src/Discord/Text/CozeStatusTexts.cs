namespace CozeCluster.Discord;

/// <summary>The meaning of a status text.</summary>
/// <param name="Code">The error.</param>
/// <param name="RecoveryAction">What to do; it can differ from the usual action of the error code.</param>
/// <param name="Until">When the limit ends; null if the text is not about a limit.</param>
/// <param name="Text">Coze's text, for the client.</param>
internal sealed record CozeStatusText(ErrorCode Code, RecoveryAction RecoveryAction, DateTimeOffset? Until, string Text)
{
    /// <summary>The error that the client receives.</summary>
    public Error ToError() => new(Code, $"Coze says: {Text}", Until: Until) { OwnRecoveryAction = RecoveryAction };
}

/// <summary>
/// The one place that knows the status texts (in the documentation: service messages), which Coze's Discord bots send instead of a reply. A message is a
/// status text if it begins with one and little text follows. A reply that only quotes one is a reply.
/// </summary>
internal static class CozeStatusTexts
{
    /// <summary>No status text is longer.</summary>
    public const int MaxLength = 400;

    // Coze's wording after the known beginning varies.
    private const int MaxTail = 160;

    private static readonly Row[] Rows =
    [
        new("Something wrong occurs, please retry", ErrorCode.UpstreamFailed, RecoveryAction.Retry),
        new("Some error occurred. Please try again or contact the support team", ErrorCode.UpstreamFailed, RecoveryAction.Retry),
        new("There are too many users now", ErrorCode.UpstreamBusy, RecoveryAction.Retry),
        new("We've detected unusual traffic from your network", ErrorCode.UpstreamForbidden, RecoveryAction.RotateAccount),
        new(
            "You have exceeded the daily limit for sending messages to the bot",
            ErrorCode.UpstreamQuotaExceeded, RecoveryAction.RotateAccount, IsDaily: true),
        new("Hi there! You've used up your free chat credits", ErrorCode.UpstreamQuotaExceeded, RecoveryAction.RotateAccount, IsDaily: true),
        new("Hi there! You've used up your credits for today", ErrorCode.UpstreamQuotaExceeded, RecoveryAction.RotateAccount, IsDaily: true),
        new(
            "The bot's usage is covered by the developer, but due to the developer's message credits being exhausted",
            ErrorCode.UpstreamQuotaExceeded, RecoveryAction.CoolBot, IsDaily: true),
        // Models write this too, and continue. It is a status text only if nothing follows.
        new("I'm sorry, but I can't assist with that.", ErrorCode.ContentFiltered, RecoveryAction.GiveUp, IsComplete: true),
    ];

    /// <summary>Looks up a message.</summary>
    /// <param name="text">The whole message.</param>
    /// <param name="now">The time.</param>
    /// <param name="reset">When daily limits end; null: <see cref="DailyReset.Default"/>.</param>
    /// <returns>The meaning; null if the message is not a status text.</returns>
    public static CozeStatusText? Match(string text, DateTimeOffset now, DailyReset? reset = null)
    {
        var plain = Normalize(text);
        foreach (var row in Rows)
        {
            if (!plain.StartsWith(row.Beginning, StringComparison.OrdinalIgnoreCase)) continue;
            if (plain.Length - row.Beginning.Length > row.MaxTail) continue;
            return new CozeStatusText(row.Code, row.RecoveryAction, row.IsDaily ? (reset ?? DailyReset.Default).Next(now) : null, plain);
        }
        return null;
    }

    /// <summary>Whether a message that is still growing may become a status text. Such a message must not be shown.</summary>
    public static bool MayBecomeOne(string text)
    {
        var plain = Normalize(text);
        return Rows.Any(row => plain.Length <= row.Beginning.Length
            ? row.Beginning.StartsWith(plain, StringComparison.OrdinalIgnoreCase)
            : plain.StartsWith(row.Beginning, StringComparison.OrdinalIgnoreCase) && plain.Length - row.Beginning.Length <= row.MaxTail);
    }

    /// <summary>Removes the mentions before the text, and replaces typographic apostrophes.</summary>
    private static string Normalize(string text)
    {
        var plain = text.AsSpan().Trim();
        while (plain.StartsWith("<@") && plain.IndexOf('>') is > 0 and < 25 and var end) plain = plain[(end + 1)..].TrimStart();
        return plain.ToString().Replace('’', '\'');
    }

    private sealed record Row(string Beginning, ErrorCode Code, RecoveryAction RecoveryAction, bool IsDaily = false, bool IsComplete = false)
    {
        public int MaxTail => IsComplete ? 0 : CozeStatusTexts.MaxTail;
    }
}
