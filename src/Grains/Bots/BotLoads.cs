using System.Collections.Concurrent;

namespace CozeCluster.Grains;

/// <summary>
/// How many turns run on each bot, as this silo knows it. The bots of this silo report it at once; those of other silos through the catalog, which every silo
/// asks once a second. A load that nobody has repeated for the lifetime of a lease counts as none. Thread-safe.
/// </summary>
public sealed class BotLoads(TimeProvider time)
{
    /// <summary>How long a turn that was sent to a bot counts before the bot reports it.</summary>
    private static readonly TimeSpan ExpectedFor = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Entry> _entries = new();

    /// <summary>Records how many turns a bot of this silo runs.</summary>
    public void Report(string botId, int turns)
    {
        var entry = Set(botId, turns);
        entry.IsUnsent = true;
    }

    /// <summary>Other silos have said how many turns their bots run.</summary>
    public void Learn(IReadOnlyList<BotLoad> loads)
    {
        foreach (var load in loads) Set(load.BotId, load.Turns);
    }

    /// <summary>Counts a turn that is being sent to a bot, until the bot reports it.</summary>
    public void Expect(string botId)
    {
        var entry = _entries.GetOrAdd(botId, static _ => new Entry());
        entry.Expected = CountOf(entry.Expected, entry.ExpectedAt, ExpectedFor) + 1;
        entry.ExpectedAt = time.GetTimestamp();
    }

    /// <summary>The turns of a bot.</summary>
    public int Of(string botId) => _entries.TryGetValue(botId, out var entry)
        ? CountOf(entry.Turns, entry.ReportedAt, LeaseRequest.Lifetime) + CountOf(entry.Expected, entry.ExpectedAt, ExpectedFor)
        : 0;

    /// <summary>What the bots of this silo have said since the last call.</summary>
    public IReadOnlyList<BotLoad> TakeUnsent()
    {
        var loads = new List<BotLoad>();
        foreach (var (botId, entry) in _entries)
        {
            if (entry.IsUnsent)
            {
                entry.IsUnsent = false;
                loads.Add(new BotLoad(botId, entry.Turns));
            }
            else if (entry.Turns == 0 && time.GetElapsedTime(entry.ReportedAt) >= LeaseRequest.Lifetime)
            {
                _entries.TryRemove(botId, out _);
            }
        }
        return loads;
    }

    private Entry Set(string botId, int turns)
    {
        var entry = _entries.GetOrAdd(botId, static _ => new Entry());
        (entry.Turns, entry.ReportedAt, entry.Expected) = (turns, time.GetTimestamp(), 0);
        return entry;
    }

    private int CountOf(int count, long at, TimeSpan validFor) => count > 0 && time.GetElapsedTime(at) < validFor ? count : 0;

    // Two threads may change an entry at the same time. A load is an estimate, and the next report corrects it.
    private sealed class Entry
    {
        public volatile int Turns;
        public volatile int Expected;
        public volatile bool IsUnsent;
        public long ReportedAt;
        public long ExpectedAt;
    }
}
