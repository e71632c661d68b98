namespace CozeCluster.Storage;

/// <summary>Counts turns that have ended. Each step is a short transaction.</summary>
internal interface IUsageCounter
{
    /// <summary>Adds at most <paramref name="limit"/> turns to the usage of their hours, in the transaction that marks them as counted.</summary>
    /// <returns>How many were counted; fewer than the limit: nothing is left, or another silo counts.</returns>
    Task<int> CountAsync(int limit, CancellationToken cancellationToken);
}

/// <summary>What a row of usage is for. Texts are empty for turns without such a thing.</summary>
internal readonly record struct UsageKey(long Hour, string TenantId, string KeyName, string User, string Model, string BotId, string AccountId)
{
    /// <summary>The keys under which a turn may be counted, in the order in which they are tried.</summary>
    public IEnumerable<UsageKey> Candidates()
    {
        yield return this;
        if (User.Length > 0) yield return this with { User = UsageRow.Other };
        yield return OfOthers;
    }

    /// <summary>The row for everything that has no row of its own.</summary>
    public UsageKey OfOthers => new(Hour, TenantId, UsageRow.Other, UsageRow.Other, UsageRow.Other, UsageRow.Other, UsageRow.Other);
}

/// <summary>What is added to one row of usage.</summary>
/// <param name="Key">The row.</param>
/// <param name="Sums">What is added.</param>
/// <param name="LastUsed">When its last turn was accepted, in milliseconds since 1970 UTC.</param>
internal readonly record struct UsageAddition(UsageKey Key, UsageSums Sums, long LastUsed);

/// <summary>Limits the rows of an hour of a tenant, because clients choose the names of end users, and may choose those of models.</summary>
internal static class UsageCounting
{
    /// <summary>If the hour of a tenant has this many rows, further end users are counted together.</summary>
    public const int MaxRowsWithUsers = 1_000;

    /// <summary>If the hour of a tenant has this many rows, everything else is counted in one row.</summary>
    public const int MaxRows = 5_000;

    /// <summary>Selects the rows that additions go to.</summary>
    /// <param name="additions">The additions.</param>
    /// <param name="exists">Whether a row is stored.</param>
    /// <param name="countOf">How many rows are stored for the hour and tenant of a key.</param>
    public static Dictionary<UsageKey, UsageSums> Place(
        IEnumerable<UsageAddition> additions, Func<UsageKey, bool> exists, Func<UsageKey, long> countOf)
    {
        var placed = new Dictionary<UsageKey, UsageSums>();
        var counts = new Dictionary<(long, string), long>();
        foreach (var (key, sums, _) in additions)
        {
            var target = key.Candidates().First(candidate => placed.ContainsKey(candidate) || exists(candidate) || IsNew(candidate));
            placed[target] = placed.GetValueOrDefault(target) + sums;
        }
        return placed;

        bool IsNew(UsageKey key)
        {
            var hour = (key.Hour, key.TenantId);
            if (!counts.TryGetValue(hour, out var count)) count = countOf(key);
            var limit = key.User.Length > 0 && key.User != UsageRow.Other ? MaxRowsWithUsers : MaxRows;
            if (count >= limit && key != key.OfOthers) return false;
            counts[hour] = count + 1;
            return true;
        }
    }
}
