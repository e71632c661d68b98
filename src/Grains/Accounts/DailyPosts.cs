namespace CozeCluster.Grains;

/// <summary>The number of messages that an account has posted since midnight UTC.</summary>
public sealed class DailyPosts
{
    /// <summary>The day in UTC.</summary>
    public DateOnly Day { get; set; }

    /// <summary>The number of messages posted on that day.</summary>
    public int Count { get; set; }

    /// <summary>Counts one message.</summary>
    public void Add(DateTimeOffset now)
    {
        Count = Day == DayOf(now) ? Count + 1 : 1;
        Day = DayOf(now);
    }

    /// <summary>The error if the account has reached its daily limit; null if it may begin another turn today or has no limit.</summary>
    public Error? LimitError(AccountDefinition account, IDiscordPosting discord, DateTimeOffset now)
    {
        // The options are parsed last, because hardly any account has a limit and this runs for every turn.
        if (Day != DayOf(now) || Count == 0 || discord.DailyLimit(account) is not { } limit || Count < limit) return null;
        var midnight = new DateTimeOffset(now.UtcDateTime.Date.AddDays(1), TimeSpan.Zero);
        return new Error(ErrorCode.UpstreamQuotaExceeded, $"The account has posted {limit} messages, its limit for one day.", Until: midnight);
    }

    private static DateOnly DayOf(DateTimeOffset now) => DateOnly.FromDateTime(now.UtcDateTime);
}
