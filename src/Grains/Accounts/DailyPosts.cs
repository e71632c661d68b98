namespace CozeCluster.Grains;

/// <summary>How many messages an account has posted since midnight UTC.</summary>
public sealed class DailyPosts
{
    /// <summary>The day, UTC.</summary>
    public DateOnly Day { get; set; }

    /// <summary>Posted on that day.</summary>
    public int Count { get; set; }

    /// <summary>One more.</summary>
    public void Add(DateTimeOffset now)
    {
        Count = Day == DayOf(now) ? Count + 1 : 1;
        Day = DayOf(now);
    }

    /// <summary>Why the account may not begin another turn today; null if it may, or has no limit.</summary>
    public Error? LimitOf(AccountDefinition account, IDiscordPosting discord, DateTimeOffset now)
    {
        // Hardly any account has one, and options are read on every call.
        if (Day != DayOf(now) || Count == 0 || discord.DailyLimit(account) is not { } most || Count < most) return null;
        var midnight = new DateTimeOffset(now.UtcDateTime.Date.AddDays(1), TimeSpan.Zero);
        return new Error(ErrorCode.UpstreamQuotaExceeded, $"The account has posted the {most} messages that it may post in a day.", Until: midnight);
    }

    private static DateOnly DayOf(DateTimeOffset now) => DateOnly.FromDateTime(now.UtcDateTime);
}
