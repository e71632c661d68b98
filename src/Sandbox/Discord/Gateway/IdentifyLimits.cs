namespace CozeCluster.Sandbox.Discord;

/// <summary>The daily number of identifies per bot, and the pace of <c>max_concurrency</c>. Guarded by the world's gate.</summary>
internal sealed class IdentifyLimits(DiscordSandboxOptions options, TimeProvider time)
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private readonly Dictionary<ulong, (int Used, DateTimeOffset Resets)> _days = [];
    private readonly Dictionary<(ulong User, int Bucket), DateTimeOffset> _last = [];

    public (int Remaining, TimeSpan ResetAfter) Left(DiscordUser user)
    {
        var now = time.GetUtcNow();
        return _days.TryGetValue(user.Id, out var day) && now < day.Resets
            ? (Math.Max(0, options.SessionStartsPerDay - day.Used), day.Resets - now)
            : (options.SessionStartsPerDay, TimeSpan.Zero);
    }

    /// <summary>Counts an identify against the day.</summary>
    /// <returns>False when there was none left: Discord then resets the token.</returns>
    public bool TakeOfDay(DiscordUser user)
    {
        var now = time.GetUtcNow();
        var day = _days.TryGetValue(user.Id, out var known) && now < known.Resets ? known : (Used: 0, Resets: now + Day);
        _days[user.Id] = (day.Used + 1, day.Resets);
        return day.Used < options.SessionStartsPerDay;
    }

    /// <summary>Whether the shard's start bucket is free; taking it closes it for a while.</summary>
    public bool TakeTurn(DiscordUser user, int shard)
    {
        var key = (user.Id, shard % options.MaxConcurrency);
        var now = time.GetUtcNow();
        if (_last.TryGetValue(key, out var last) && now - last < options.IdentifyPace) return false;
        _last[key] = now;
        return true;
    }

    public void Clear()
    {
        _days.Clear();
        _last.Clear();
    }
}
