namespace CozeCluster.Discord;

/// <summary>What a notice of Coze's means.</summary>
/// <param name="Code">The error.</param>
/// <param name="RecoveryAction">What helps; it can differ from the error's usual cure.</param>
/// <param name="Until">When the limit is lifted; null where there is none.</param>
/// <param name="Text">Coze's words, for the client.</param>
internal sealed record CozeNotice(ErrorCode Code, RecoveryAction RecoveryAction, DateTimeOffset? Until, string Text)
{
    /// <summary>As an error for the client.</summary>
    public Error ToError() => new(Code, $"Coze says: {Text}", Until: Until) { OwnRecoveryAction = RecoveryAction };
}

/// <summary>
/// The one place where the texts that Coze's Discord bots send in place of a reply are known. A reply that merely quotes one is none: a notice stands at the
/// message's beginning, and hardly anything follows it.
/// </summary>
internal static class CozeNotices
{
    // Coze's wording behind the known beginning varies.
    private const int MaxTail = 160;

    private static readonly Row[] Rows =
    [
        new("Something wrong occurs, please retry", ErrorCode.UpstreamFailed, RecoveryAction.Retry),
        new("Some error occurred. Please try again or contact the support team", ErrorCode.UpstreamFailed, RecoveryAction.Retry),
        new("There are too many users now", ErrorCode.UpstreamBusy, RecoveryAction.Retry),
        new("We've detected unusual traffic from your network", ErrorCode.UpstreamForbidden, RecoveryAction.RotateAccount),
        new("You have exceeded the daily limit for sending messages to the bot", ErrorCode.UpstreamQuotaExceeded, RecoveryAction.RotateAccount, IsDaily: true),
        new("Hi there! You've used up your free chat credits", ErrorCode.UpstreamQuotaExceeded, RecoveryAction.RotateAccount, IsDaily: true),
        new("Hi there! You've used up your credits for today", ErrorCode.UpstreamQuotaExceeded, RecoveryAction.RotateAccount, IsDaily: true),
        new("The bot's usage is covered by the developer, but due to the developer's message credits being exhausted", ErrorCode.UpstreamQuotaExceeded, RecoveryAction.CoolBot, IsDaily: true),
        // Models say this by themselves too, and go on; only alone is it Coze's.
        new("I'm sorry, but I can't assist with that.", ErrorCode.ContentFiltered, RecoveryAction.GiveUp, IsWhole: true),
    ];

    /// <summary>What a message means, if it is a notice.</summary>
    /// <param name="text">The whole message.</param>
    /// <param name="now">The time.</param>
    /// <param name="reset">When daily limits are lifted; null: <see cref="DailyReset.Default"/>.</param>
    /// <returns>Null if it is no notice.</returns>
    public static CozeNotice? Match(string text, DateTimeOffset now, DailyReset? reset = null)
    {
        var plain = Plain(text);
        foreach (var row in Rows)
        {
            if (!plain.StartsWith(row.Beginning, StringComparison.OrdinalIgnoreCase)) continue;
            if (plain.Length - row.Beginning.Length > (row.IsWhole ? 0 : MaxTail)) continue;
            return new CozeNotice(row.Code, row.RecoveryAction, row.IsDaily ? (reset ?? DailyReset.Default).Next(now) : null, plain);
        }
        return null;
    }

    /// <summary>Whether a message that is still growing may turn out to be a notice: to be held back until it cannot, or has ended.</summary>
    public static bool MayBecome(string text)
    {
        var plain = Plain(text);
        return Rows.Any(row => plain.Length <= row.Beginning.Length
            ? row.Beginning.StartsWith(plain, StringComparison.OrdinalIgnoreCase)
            : plain.StartsWith(row.Beginning, StringComparison.OrdinalIgnoreCase) && plain.Length - row.Beginning.Length <= (row.IsWhole ? 0 : MaxTail));
    }

    /// <summary>Without the mention before it, and with straight apostrophes.</summary>
    private static string Plain(string text)
    {
        var plain = text.AsSpan().Trim();
        while (plain.StartsWith("<@") && plain.IndexOf('>') is > 0 and < 25 and var end) plain = plain[(end + 1)..].TrimStart();
        return plain.ToString().Replace('’', '\'');
    }

    private sealed record Row(string Beginning, ErrorCode Code, RecoveryAction RecoveryAction, bool IsDaily = false, bool IsWhole = false);
}
