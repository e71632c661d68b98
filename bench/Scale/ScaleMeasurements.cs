using System.Diagnostics;

namespace CozeCluster.Scale;

/// <summary>Measures single operations, one after another, on a filled storage. Prints the median and the 99th percentile.</summary>
internal sealed class ScaleMeasurements(IConversationStore store, ITurnLog log, FilledStore filled, ScaleOptions options)
{
    private const int Times = 300;

    public async Task Run()
    {
        Console.WriteLine("\n| operation | p50, ms | p99, ms |\n|---|---:|---:|");
        await Measure("load of a short conversation", i => Load(FilledStore.KeyOf(i * 7 % options.Conversations)));
        await Measure("load of the conversation with 5,000 turns", _ => Load(FilledStore.LongConversation));
        await MeasureTurn("a short conversation", FilledStore.KeyOf(3), FilledStore.TenantOf(3, options), "c3");
        await MeasureTurn("the conversation with 5,000 turns", FilledStore.LongConversation, FilledStore.LargeTenant, "long");
        await Measure("history of 50 turns", async _ => await store.ReadTurns(FilledStore.LongConversation, 50, default));
        const string Tenant = FilledStore.LargeTenant;
        await Measure("first page of conversations, large tenant", async _ => await log.ListConversations(Tenant, null, 100, default));
        await Measure("first page of conversations, another tenant", async _ => await log.ListConversations("tenant-7", null, 100, default));
        var last = await FindLastName();
        await Measure("last page of conversations, large tenant", async _ => await log.ListConversations(Tenant, last, 100, default));
        await MeasureSearch("all turns", new TurnQuery());
        await MeasureSearch("tenant", new TurnQuery { TenantId = FilledStore.LargeTenant });
        await MeasureSearch("model", new TurnQuery { Model = "model-3" });
        await MeasureSearch("bot", new TurnQuery { BotId = "bot-17" });
        await MeasureSearch("account", new TurnQuery { AccountId = "account-17" });
        await MeasureSearch("end user of a tenant", new TurnQuery { TenantId = FilledStore.LargeTenant, User = "user-3" });
        await MeasureSearch("failed", new TurnQuery { Status = TurnStatus.Failed });
        await MeasureSearch("failed, of a tenant and a model", new TurnQuery { Status = TurnStatus.Failed, TenantId = Tenant, Model = "model-3" });
        var row = (await log.Search(new TurnQuery { Limit = 1 }, default))[0];
        await Measure("search by turn id", async _ => await log.Search(new TurnQuery { TurnId = row.TurnId }, default));
    }

    private async Task Load(string key) => _ = await store.Load(key, default) ?? throw new InvalidOperationException($"{key} is not stored.");

    private async Task MeasureTurn(string where, string key, string tenant, string name)
    {
        var loaded = await store.Load(key, default) ?? throw new InvalidOperationException($"{key} is not stored.");
        var version = loaded.HeadVersion;
        var row = loaded.Last!;
        var number = loaded.Head!.Turns;
        await Measure(
            $"intent of a turn in {where}",
            async i => (row, version) = await filled.Begin(key, tenant, name, number + i, version),
            between: i => filled.End(key, row, i));
        (row, _) = await filled.Begin(key, tenant, name, number, version);
        await Measure($"handle of a turn in {where}", async _ => row = await filled.Identify(key, row));
        await filled.End(key, row, number);
    }

    private async Task MeasureSearch(string what, TurnQuery query)
    {
        await Measure($"search, first page: {what}", async _ => await log.Search(query, default));
        var oldest = await FindOldest(query);
        await Measure($"search, last page: {what}", async _ => await log.Search(query with { Before = oldest }, default));
    }

    // Pages through at most 100,000 rows: the position in the index is what matters.
    private async Task<long> FindOldest(TurnQuery query)
    {
        var before = (long?)null;
        for (var page = 0; page < 100; page++)
        {
            var rows = await log.Search(query with { Before = before, Limit = 1000 }, default);
            if (rows.Count < 1000) return rows.Count > 0 ? rows[Math.Max(0, rows.Count - 100)].Id : before ?? 0;
            before = rows[^1].Id;
        }
        return before!.Value;
    }

    private async Task<string> FindLastName()
    {
        string? after = null;
        while (true)
        {
            var page = await log.ListConversations(FilledStore.LargeTenant, after, 1000, default);
            if (page.Count < 1000) return page.Count > 100 ? page[^101].Name! : after!;
            after = page[^1].Name;
        }
    }

    private static async Task Measure(string what, Func<int, Task> operation, Func<int, Task>? between = null)
    {
        var times = new double[Times];
        for (var i = -20; i < Times; i++)
        {
            var start = Stopwatch.GetTimestamp();
            await operation(Math.Abs(i));
            if (i >= 0) times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            if (between is not null) await between(Math.Abs(i));
        }
        Array.Sort(times);
        Console.WriteLine($"| {what} | {times[Times / 2]:f2} | {times[Times * 99 / 100]:f2} |");
    }
}
