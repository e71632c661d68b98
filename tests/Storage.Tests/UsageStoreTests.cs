using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Storage.Tests;

/// <summary>What both databases say of usage: the sums over the rows of turns that have ended, whichever of them are counted.</summary>
public abstract class UsageStoreTests<TSilo>(TSilo silo) : RowStoreTest<TSilo>(silo) where TSilo : StorageSilo
{
    private const UsageDimensions Everything =
        UsageDimensions.Tenant | UsageDimensions.Key | UsageDimensions.User | UsageDimensions.Model | UsageDimensions.Bot | UsageDimensions.Account;

    private static readonly DateTimeOffset Start = new(2026, 3, 1, 22, 30, 0, TimeSpan.Zero);
    private static long _epochs = Random.Shared.NextInt64(1L << 40, 1L << 60);

    private IUsageStore Usage => Silo.Services.GetRequiredService<IUsageStore>();

    /// <summary>Turns begin, end late or at once, are saved again after their end, and leave their conversation, while some are counted.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Read_AtAnyMoment_IsTheSumOverTheRowsThatHaveEnded(int seed)
    {
        var random = new Random(seed);
        var epoch = await OpenEpochAsync();
        var (turns, inLogOnly) = (new List<(string Key, TurnRow Row)>(), new List<TurnRow>());
        for (var step = 1; step <= 120; step++)
        {
            var index = random.Next(2) == 0 ? turns.Count : random.Next(turns.Count + 1);
            if (index == turns.Count) turns.Add((NewKey(), RandomTurn(random, epoch)));
            else if (turns[index].Row.EndedAt is null) turns[index] = turns[index] with { Row = RandomEnd(Next(turns[index].Row), random) };
            else turns[index] = turns[index] with { Row = Next(turns[index].Row) };
            await CommitAsync(turns[index].Key, turns[index].Row);
            if (turns[index].Row.EndedAt is not null && random.Next(5) == 0)
            {
                await Store.Delete(turns[index].Key);
                inLogOnly.Add(turns[index].Row);
                turns.RemoveAt(index);
            }
            if (random.Next(4) == 0) await Counter.CountAsync(random.Next(1, 8), Cancel);
            if (step % 10 == 0) await AssertSumsAsync([.. inLogOnly, .. turns.Select(turn => turn.Row)]);
        }

        await CountAllAsync();
        await AssertSumsAsync([.. inLogOnly, .. turns.Select(turn => turn.Row)]);
    }

    [Fact]
    public async Task Count_ManyAtTheSameTimeAsSavesAndReads_CountsEachTurnOnce()
    {
        var random = new Random(7);
        var turns = Enumerable.Range(0, 200).Select(_ => RandomEnd(RandomTurn(random, null), random)).ToList();
        var saves = turns.Select(turn => CommitAsync(NewKey(), turn));
        var counts = Enumerable.Range(0, 20).Select(_ => Task.Run(() => Counter.CountAsync(20, Cancel)));

        await Task.WhenAll([.. saves, .. counts]);

        await AssertSumsAsync(turns);
        await CountAllAsync();
        await AssertSumsAsync(turns);
    }

    [Fact]
    public async Task Read_ByDay_IsTheSumOfItsHours()
    {
        var turns = await StoreRandomAsync(60);
        await CountAllAsync();

        var hours = await ReadAsync(new() { Period = UsagePeriod.Hour, GroupBy = UsageDimensions.Model });
        var days = await ReadAsync(new() { Period = UsagePeriod.Day, GroupBy = UsageDimensions.Model });

        Assert.True(days.Count < hours.Count);
        Assert.All(days, day => Assert.Equal(TimeSpan.Zero, day.Time!.Value.TimeOfDay));
        Assert.Equal(
            hours.GroupBy(row => (Day: row.Time!.Value.Date, row.Model)).Select(day => (day.Key.Day, day.Key.Model, Sum(day.Select(row => row.Sums))))
                .OrderBy(day => day.Day).ThenBy(day => day.Model, StringComparer.Ordinal),
            days.Select(row => (row.Time!.Value.Date, row.Model, row.Sums)));
        Assert.Equal(turns.Count, Assert.Single(await ReadAsync(new())).Sums.Requests);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Read_Filters_MatchExactlyThat(bool counted)
    {
        var turns = await StoreRandomAsync(60);
        if (counted) await CountAllAsync();

        foreach (var user in new[] { "", "ann", "bob", "nobody" })
            Assert.Equal(turns.Count(turn => (turn.User ?? "") == user), await CountAsync(new() { User = user }));
        Assert.Equal(turns.Count(turn => turn.KeyName is null), await CountAsync(new() { KeyName = "" }));
        Assert.Equal(turns.Count(turn => turn.BotId == "bot-1"), await CountAsync(new() { BotId = "bot-1" }));
        Assert.Equal(turns.Count(turn => turn.AccountId == "account-0"), await CountAsync(new() { AccountId = "account-0" }));
        Assert.Equal(turns.Count(turn => turn is { Model: "m1", KeyName: "app" }), await CountAsync(new() { Model = "m1", KeyName = "app" }));
        Assert.Equal(0, (await Usage.Read(Query(new()) with { TenantId = Tenant + "-2" }, Cancel)).Single().Sums.Requests);
        Assert.Equal(turns.Count(turn => turn.CreatedAt >= Start.AddHours(2.5)), await CountAsync(new() { From = Start.AddHours(2.9) }));
        Assert.Equal(turns.Count(turn => turn.CreatedAt < Start.AddHours(2.5)), await CountAsync(new() { Until = Start.AddHours(1.6) }));
    }

    [Theory]
    [InlineData(UsagePeriod.All)]
    [InlineData(UsagePeriod.Hour)]
    [InlineData(UsagePeriod.Day)]
    public async Task Read_PageByPage_IsTheWholeInOrder(UsagePeriod period)
    {
        await StoreRandomAsync(60);
        await Counter.CountAsync(30, Cancel);
        var query = new Options { Period = period, GroupBy = UsageDimensions.User | UsageDimensions.Bot };
        var whole = await ReadAsync(query);

        var paged = new List<UsageRow>();
        while (await Usage.Read(Query(query) with { After = paged.LastOrDefault(), Limit = 3 }, Cancel) is { Count: > 0 } page) paged.AddRange(page);

        Assert.True(whole.Count > 6);
        Assert.Equal(whole, paged);
        Assert.Equal(whole.OrderBy(row => row.Time).ThenBy(row => row.User, StringComparer.Ordinal).ThenBy(row => row.BotId, StringComparer.Ordinal), whole);
    }

    [Fact]
    public async Task Read_NothingStored_IsOneRowOfZeros()
    {
        Assert.Equal(new UsageRow(), Assert.Single(await ReadAsync(new())));
        Assert.Empty(await ReadAsync(new() { GroupBy = UsageDimensions.Model }));
        Assert.Empty(await Usage.Read(Query(new()) with { After = new UsageRow() }, Cancel));
    }

    [Fact]
    public async Task Count_MoreUsersThanAnHourMayHave_CountsTheRestTogether()
    {
        const int Users = UsageCounting.MaxRowsWithUsers + 150;
        for (var i = 0; i < Users; i += 50)
        {
            var turns = Enumerable.Range(i, 50).Select(user => RandomEnd(NewTurn(Start) with { User = $"user-{user}" }, new Random(user)));
            await CommitAsync(NewKey(), [.. turns]);
        }
        await CountAllAsync();

        var rows = await ReadAsync(new() { GroupBy = UsageDimensions.User });

        Assert.Equal(UsageCounting.MaxRowsWithUsers + 1, rows.Count);
        Assert.Equal(150, Assert.Single(rows, row => row.User == UsageRow.Other).Sums.Requests);
        Assert.Equal(Users, rows.Sum(row => row.Sums.Requests));
    }

    [Fact]
    public async Task Count_NamesOfAnyLength_AreCutAndFoundByTheWholeName()
    {
        var name = string.Concat(Enumerable.Repeat("\U0001F600", 600));
        await CommitAsync(NewKey(), RandomEnd(NewTurn(Start) with { User = name, Model = name, KeyName = new string('\u4e2d', 100) }, new Random(1)));
        Assert.Equal(1, await CountAsync(new() { User = name, Model = name }));
        await CountAllAsync();

        var row = Assert.Single(await ReadAsync(new() { GroupBy = UsageDimensions.User }));

        Assert.Equal(name[..200], row.User);
        Assert.Equal(1, await CountAsync(new() { User = name, Model = name }));
    }

    [Fact]
    public async Task ReadLastUsed_IsTheLastTurnOfEachKey()
    {
        foreach (var (key, minutes) in new (string?, int)[] { ("a", 1), ("a", 5), ("a", 3), ("b", 4), (null, 9) })
            await CommitAsync(NewKey(), RandomEnd(NewTurn(Start.AddMinutes(minutes)) with { KeyName = key }, new Random(1)));
        await CommitAsync(NewKey(), NewTurn(Start.AddDays(1)) with { KeyName = "runs" });
        await CountAllAsync();
        await CommitAsync(NewKey(), RandomEnd(NewTurn(Start.AddMinutes(2)) with { KeyName = "a" }, new Random(1)));
        await CountAllAsync();

        var used = await Usage.ReadLastUsed(Tenant, Cancel);

        Assert.Equal([("a", Start.AddMinutes(5)), ("b", Start.AddMinutes(4))], used.OrderBy(use => use.Key).Select(use => (use.Key, use.Value)));
        Assert.Empty(await Usage.ReadLastUsed(Tenant + "-2", Cancel));
    }

    [Fact]
    public async Task DeleteOldUsage_KeepsTheHoursAfterIt()
    {
        var old = new DateTimeOffset(2001, 1, 1, 5, 30, 0, TimeSpan.Zero);
        foreach (var hours in (int[])[0, 1, 2]) await CommitAsync(NewKey(), RandomEnd(NewTurn(old.AddHours(hours)) with { KeyName = $"k{hours}" }, new(1)));
        await CountAllAsync();

        while (await Expiring.DeleteOldUsageAsync(old.AddHours(2), 1, Cancel) > 0)
        {
        }

        var rows = await Usage.Read(new() { From = old.AddDays(-1), Until = old.AddDays(1), TenantId = Tenant, Period = UsagePeriod.Hour }, Cancel);
        Assert.Equal(new DateTimeOffset(2001, 1, 1, 7, 0, 0, TimeSpan.Zero), Assert.Single(rows).Time);
        Assert.Equal(["k2"], (await Usage.ReadLastUsed(Tenant, Cancel)).Keys);
    }

    [Fact]
    public async Task DeleteOldTurns_TurnsThatAreNotCounted_StayUntilThen()
    {
        var old = new DateTimeOffset(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var turn = RandomEnd(NewTurn(old), new Random(1));
        await CommitAsync(NewKey(), turn);
        await Expiring.DeleteOldTurnsAsync(old.AddDays(1), 1000, Cancel);
        Assert.Equal(turn.Id, (await LogRowAsync(turn.TurnId)).Id);

        await CountAllAsync();
        await Expiring.DeleteOldTurnsAsync(old.AddDays(1), 1000, Cancel);

        Assert.Empty(await Log.Search(new() { TurnId = turn.TurnId }, Cancel));
        Assert.Equal(1, (await Usage.Read(new() { From = old, Until = old.AddHours(1), TenantId = Tenant }, Cancel)).Single().Sums.Requests);
    }

    private static UsageSums Sum(IEnumerable<UsageSums> sums) => sums.Aggregate(default(UsageSums), static (total, sum) => total + sum);

    private static UsageSums SumsOf(TurnRow row)
    {
        var isUnknown = row.Error == ErrorCode.UpstreamOutcomeUnknown;
        return new UsageSums(
            row.Status == TurnStatus.Completed ? 1 : 0,
            row.Status == TurnStatus.Failed && !isUnknown ? 1 : 0,
            row.Status == TurnStatus.Cancelled ? 1 : 0,
            isUnknown ? 1 : 0,
            row.Attempts,
            row.InputTokens ?? 0,
            row.OutputTokens ?? 0,
            row.Charge is { State: ChargeState.Settled } charge ? charge.Amounts.Credits : 0);
    }

    private TurnRow RandomTurn(Random random, long? epoch)
    {
        var turn = NewTurn(Start.AddMinutes(random.Next(6 * 60))) with
        {
            KeyName = random.Next(3) == 0 ? null : "app",
            User = random.Next(4) switch { 0 => null, 1 => "", 2 => "ann", _ => "bob" },
            Model = $"m{random.Next(2)}",
            Charge = epoch is { } open && random.Next(2) == 0 ? new TurnCharge(open, 20_000, new Amounts(1, 10, 1_000), ChargeState.Reserved) : null,
        };
        return random.Next(4) == 0 ? RandomEnd(turn, random) : turn;
    }

    private static TurnRow RandomEnd(TurnRow row, Random random)
    {
        if (row.EndedAt is not null) return row;
        var isUnknown = random.Next(6) == 0;
        var status = isUnknown ? TurnStatus.Failed : TurnStatus.Completed + random.Next(3);
        return row with
        {
            Status = status,
            EndedAt = row.CreatedAt.AddMinutes(random.Next(1, 200)),
            Error = isUnknown ? ErrorCode.UpstreamOutcomeUnknown
                : status == TurnStatus.Failed ? ErrorCode.UpstreamFailed
                : status == TurnStatus.Cancelled ? ErrorCode.Cancelled : null,
            BotId = random.Next(3) == 0 ? null : $"bot-{random.Next(2)}",
            AccountId = random.Next(3) == 0 ? null : $"account-{random.Next(2)}",
            Attempts = random.Next(4),
            InputTokens = random.Next(3) == 0 ? null : random.Next(100),
            OutputTokens = random.Next(3) == 0 ? null : random.Next(100),
            Charge = row.Charge is not { } charge ? null : isUnknown ? charge with { State = ChargeState.Unknown }
                : charge with { Amounts = new Amounts(1, 5, random.Next(1_000)), State = ChargeState.Settled },
        };
    }

    private async Task<List<TurnRow>> StoreRandomAsync(int count)
    {
        var random = new Random(count);
        var turns = Enumerable.Range(0, count).Select(_ => RandomEnd(RandomTurn(random, null), random)).ToList();
        foreach (var turn in turns) await CommitAsync(NewKey(), turn);
        return turns;
    }

    private async Task<long> OpenEpochAsync()
    {
        var epoch = Interlocked.Increment(ref _epochs);
        await Silo.Services.GetRequiredService<ILedgerStore>().ReplaceEpoch(Tenant, 0, epoch);
        return epoch;
    }

    private async Task AssertSumsAsync(IEnumerable<TurnRow> turns)
    {
        var expected = turns.Where(turn => turn.EndedAt is not null)
            .GroupBy(turn => new UsageRow
            {
                Time = new DateTimeOffset(turn.CreatedAt.Date, TimeSpan.Zero).AddHours(turn.CreatedAt.Hour),
                TenantId = Tenant,
                KeyName = turn.KeyName ?? "",
                User = turn.User ?? "",
                Model = turn.Model,
                BotId = turn.BotId ?? "",
                AccountId = turn.AccountId ?? "",
            })
            .Select(group => group.Key with { Sums = Sum(group.Select(SumsOf)) });
        var actual = await ReadAsync(new() { Period = UsagePeriod.Hour, GroupBy = Everything });
        Assert.Equal(expected.OrderBy(row => row.ToString(), StringComparer.Ordinal), actual.OrderBy(row => row.ToString(), StringComparer.Ordinal));
    }

    private async Task<long> CountAsync(Options options) => Assert.Single(await ReadAsync(options)).Sums.Requests;

    private async Task<IReadOnlyList<UsageRow>> ReadAsync(Options options) => await Usage.Read(Query(options), Cancel);

    private UsageQuery Query(Options options) => new()
    {
        From = options.From ?? Start.AddDays(-1),
        Until = options.Until ?? Start.AddDays(2),
        TenantId = Tenant,
        KeyName = options.KeyName,
        User = options.User,
        Model = options.Model,
        BotId = options.BotId,
        AccountId = options.AccountId,
        Period = options.Period,
        GroupBy = options.GroupBy,
        Limit = UsageQuery.MaxLimit,
    };

    /// <summary>What differs between the queries of these tests.</summary>
    private sealed record Options
    {
        public DateTimeOffset? From { get; init; }

        public DateTimeOffset? Until { get; init; }

        public string? KeyName { get; init; }

        public string? User { get; init; }

        public string? Model { get; init; }

        public string? BotId { get; init; }

        public string? AccountId { get; init; }

        public UsagePeriod Period { get; init; }

        public UsageDimensions GroupBy { get; init; }
    }
}
