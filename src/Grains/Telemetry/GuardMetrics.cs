using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace CozeCluster.Grains;

/// <summary>
/// The states of breakers and limits on this node. Grains report here, and a scrape reads it from another thread. Breakers that are closed and limits that
/// refuse nothing have no series, so a large fleet in good order has none. Labels are ids of the fleet, never of users. Thread-safe.
/// </summary>
internal static class GuardMetrics
{
    /// <summary>How long a limit counts as reached after it has refused a turn.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromMinutes(1);

    private static readonly Meter Meter = new(Tracing.SourceName);
    private static readonly ConcurrentDictionary<string, BotStates> Bots = new();
    private static readonly ConcurrentDictionary<(string Of, string Id), Reached> Limits = new();

    private static readonly Counter<long> Opened = Meter.CreateCounter<long>(
        "cozecluster.breakers.opened", description: "How often the breakers of bots have opened.");

    static GuardMetrics()
    {
        Meter.CreateObservableGauge("cozecluster.breakers", CountBreakers, description: "Breakers of bots that are not closed now.");
        Meter.CreateObservableGauge("cozecluster.limits.reached", CountLimits, description: "Limits that have refused a turn within the last minute.");
    }

    /// <summary>Counts that a breaker has opened.</summary>
    /// <param name="scope">Whose turns it stops: <c>all</c> or <c>tenant</c>.</param>
    public static void BreakerOpened(string scope) => Opened.Add(1, new KeyValuePair<string, object?>("scope", scope));

    /// <summary>Whether a bot has a breaker that was not closed when it reported last.</summary>
    public static bool HasBreaker(string botId) => Bots.ContainsKey(botId);

    /// <summary>Reports the breakers of a bot that are not closed; none if all are, or if the grain of the bot deactivates.</summary>
    public static void SetBreakers(string botId, IReadOnlyList<BreakerState> states, TimeProvider time)
    {
        if (states.Count > 0) Bots[botId] = new BotStates(states, time);
        else Bots.TryRemove(botId, out _);
    }

    /// <summary>Reports that a limit has refused a turn.</summary>
    /// <param name="of">
    /// What it is: <c>tenant</c> (its limits and those of its keys), <c>budget</c> (of a tenant and its keys), <c>bot</c> or <c>account</c>.
    /// </param>
    /// <param name="id">The id of the tenant, bot or account.</param>
    /// <param name="time">The clock.</param>
    public static void LimitReached(string of, string id, TimeProvider time) => Limits[(of, id)] = new Reached(time.GetTimestamp(), time);

    private static IEnumerable<Measurement<long>> CountBreakers() =>
        from bot in Bots
        let now = bot.Value.Time.GetUtcNow()
        from state in bot.Value.States
        let name = state.OpenUntil > now ? "open" : state.IsTripped ? "half_open" : null
        where name is not null
        group state by (bot.Key, state.Scope, name) into same
        select new Measurement<long>(same.Count(), new("bot", same.Key.Key), new("scope", same.Key.Scope), new("state", same.Key.name));

    private static IEnumerable<Measurement<long>> CountLimits()
    {
        foreach (var limit in Limits)
        {
            if (limit.Value.Time.GetElapsedTime(limit.Value.At) >= Memory) Limits.TryRemove(limit);
            else yield return new Measurement<long>(1, new("of", limit.Key.Of), new("id", limit.Key.Id));
        }
    }

    private sealed record BotStates(IReadOnlyList<BreakerState> States, TimeProvider Time);

    private sealed record Reached(long At, TimeProvider Time);
}

/// <summary>A breaker that is not closed.</summary>
/// <param name="Scope">Whose turns it stops: <c>all</c> or <c>tenant</c>.</param>
/// <param name="OpenUntil">Until when it is open.</param>
/// <param name="IsTripped">Whether it then lets single turns through as probes. Otherwise it is closed then.</param>
internal sealed record BreakerState(string Scope, DateTimeOffset OpenUntil, bool IsTripped);
