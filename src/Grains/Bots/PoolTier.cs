namespace CozeCluster.Grains;

/// <summary>The bots of one priority of a model, and whose turn it is. A pick costs about the same with ten bots and with ten thousand.</summary>
internal abstract class PoolTier
{
    /// <summary>Up to this number of bots, all are compared. Of more bots, this many random ones are drawn.</summary>
    public const int MaxCompared = 32;

    private readonly Dictionary<string, int> _indexes = [];

    protected PoolTier(int priority, IReadOnlyList<string> bots)
    {
        (Priority, Bots) = (priority, bots);
        for (var i = 0; i < bots.Count; i++) _indexes[bots[i]] = i;
    }

    /// <summary>See <see cref="BotShare"/>.</summary>
    public int Priority { get; }

    /// <summary>The bots in the order of the fleet file.</summary>
    public IReadOnlyList<string> Bots { get; }

    /// <summary>Whether a bot is one of them.</summary>
    public bool Contains(string bot) => _indexes.ContainsKey(bot);

    /// <summary>Finds the next bot that is available; null if none is. Changes nothing but the state of the random numbers.</summary>
    public abstract string? Find(Func<string, bool> isAvailable, ref ulong random);

    /// <summary>Records that a bot was picked.</summary>
    public virtual void Take(string bot)
    {
    }

    protected int IndexOf(string bot) => _indexes.GetValueOrDefault(bot, -1);

    /// <summary>The next random number (SplitMix64), from 0 to <paramref name="count"/> - 1.</summary>
    protected static int Draw(ref ulong random, int count) => (int)Math.BigMul(Next(ref random), (ulong)count, out _);

    /// <summary>The next random number from 0 to 1, without 1.</summary>
    protected static double Draw(ref ulong random) => (Next(ref random) >> 11) * (1.0 / (1UL << 53));

    private static ulong Next(ref ulong random)
    {
        random += 0x9E3779B97F4A7C15;
        var mixed = random;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }
}

/// <summary>Picks the bots in turn.</summary>
internal class RoundRobinTier(int priority, IReadOnlyList<string> bots) : PoolTier(priority, bots)
{
    /// <summary>The index of the next bot.</summary>
    public int Next { get; set; }

    public override string? Find(Func<string, bool> isAvailable, ref ulong random)
    {
        for (var i = 0; i < Bots.Count; i++)
        {
            var bot = Bots[(Next + i) % Bots.Count];
            if (isAvailable(bot)) return bot;
        }
        return null;
    }

    public override void Take(string bot) => ContinueAfter(bot);

    /// <summary>Continues after a bot.</summary>
    public void ContinueAfter(string bot) => Next = (IndexOf(bot) + 1) % Bots.Count;
}

/// <summary>Picks the bot with the fewest running turns, and of several such bots the next one in turn.</summary>
internal sealed class LeastBusyTier(int priority, IReadOnlyList<string> bots, BotLoads loads) : RoundRobinTier(priority, bots)
{
    public override string? Find(Func<string, bool> isAvailable, ref ulong random)
    {
        var (best, fewest) = (default(string), int.MaxValue);
        var areAll = Bots.Count <= MaxCompared;
        for (var i = 0; i < Math.Min(Bots.Count, MaxCompared); i++)
        {
            var bot = Bots[areAll ? (Next + i) % Bots.Count : Draw(ref random, Bots.Count)];
            if (loads.Of(bot) is var turns && turns < fewest && isAvailable(bot)) (best, fewest) = (bot, turns);
        }
        return best ?? (areAll ? null : base.Find(isAvailable, ref random));
    }

    public override void Take(string bot)
    {
        base.Take(bot);
        loads.Expect(bot);
    }
}

/// <summary>Picks any bot, each with the same probability.</summary>
internal sealed class RandomTier(int priority, IReadOnlyList<string> bots) : PoolTier(priority, bots)
{
    public override string? Find(Func<string, bool> isAvailable, ref ulong random)
    {
        for (var i = 0; i < MaxCompared; i++)
        {
            var bot = Bots[Draw(ref random, Bots.Count)];
            if (isAvailable(bot)) return bot;
        }
        // Most bots are not available.
        List<string> available = [.. Bots.Where(isAvailable)];
        return available.Count == 0 ? null : available[Draw(ref random, available.Count)];
    }
}

/// <summary>
/// Picks the bots in proportion to their weights. A bot is due again one over its weight after it was picked, on a clock whose time is the due time of the
/// last bot that was picked. So within each round of that clock, each bot is picked exactly as often as its weight says.
/// </summary>
internal sealed class WeightedTier : PoolTier
{
    private readonly double[] _due;
    private readonly IReadOnlyList<int> _weights;
    private readonly SortedSet<(double Due, int Index)> _order = [];
    private double _now;

    /// <param name="priority">The priority.</param>
    /// <param name="bots">The bots.</param>
    /// <param name="weights">Their weights.</param>
    /// <param name="random">The state of the random numbers. Each pool begins elsewhere, or all tenants would begin with the heaviest bot.</param>
    public WeightedTier(int priority, IReadOnlyList<string> bots, IReadOnlyList<int> weights, ref ulong random) : base(priority, bots)
    {
        (_due, _weights) = (new double[bots.Count], weights);
        for (var i = 0; i < bots.Count; i++) Set(i, Draw(ref random) / weights[i]);
    }

    public override string? Find(Func<string, bool> isAvailable, ref ulong random)
    {
        foreach (var (_, index) in _order)
        {
            if (isAvailable(Bots[index])) return Bots[index];
        }
        return null;
    }

    public override void Take(string bot)
    {
        var index = IndexOf(bot);
        _order.Remove((_due[index], index));
        // A bot that was not available for a while does not get what it has missed.
        _now = Math.Max(_now, _due[index]);
        Set(index, _now + 1.0 / _weights[index]);
    }

    /// <summary>Continues the order of a tier that this one replaces, for the bots that both have.</summary>
    public void Continue(WeightedTier before)
    {
        for (var i = 0; i < Bots.Count; i++)
        {
            if (before.IndexOf(Bots[i]) is not (>= 0 and var known)) continue;
            _order.Remove((_due[i], i));
            Set(i, Math.Clamp(before._due[known] - before._now, 0, 1.0 / _weights[i]));
        }
    }

    private void Set(int index, double due)
    {
        _due[index] = due;
        _order.Add((due, index));
    }
}
