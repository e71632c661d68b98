using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Storage.Tests;

/// <summary>What both databases store of charges: rows are only inserted while the epoch of their charge is open.</summary>
public abstract class LedgerStoreTests<TSilo>(TSilo silo) : RowStoreTest<TSilo>(silo) where TSilo : StorageSilo
{
    private static long _epochs = Random.Shared.NextInt64(1L << 40, 1L << 60);

    private ILedgerStore Ledger => Silo.Services.GetRequiredService<ILedgerStore>();

    [Fact]
    public async Task Commit_ChargeOfAnOpenEpoch_IsStoredAndSettled()
    {
        var key = NewKey();
        var row = Charged(await OpenAsync(), new Amounts(1, 500, 70)) with { KeyName = "app" };
        await CommitAsync(key, row);
        AssertEqual(row, (await FindAsync(key, row.TurnId)).Row);

        var ended = Ended(row) with { Charge = row.Charge! with { Amounts = new Amounts(1, 20, 3), State = ChargeState.Settled } };
        await CommitAsync(key, ended);

        AssertEqual(ended, await LogRowAsync(row.TurnId));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Commit_NewRowOfAClosedEpoch_IsNotWritten(bool withHead)
    {
        var (key, epoch) = (KeyOf("n"), await OpenAsync());
        await OpenAsync();
        var row = Charged(epoch, new Amounts(1, 2, 3));

        await Assert.ThrowsAsync<EpochClosedException>(() => withHead ? CreateAsync(key, Head("n"), row) : CommitAsync(key, row));

        Assert.Null(await Store.Load(key, Cancel));
        Assert.Empty(await Ledger.ReadEpoch(epoch, null, Now, Cancel));
    }

    [Fact]
    public async Task Commit_ConflictInAClosedEpoch_IsAConflict()
    {
        var key = NewKey();
        var row = Charged(await OpenAsync(), new Amounts(1, 2, 3));
        await CommitAsync(key, row);

        await AssertConflictAsync(() => CommitAsync(key, row));
    }

    [Fact]
    public async Task Commit_EndOfATurnOfAClosedEpoch_IsWritten()
    {
        var (key, epoch) = (NewKey(), await OpenAsync());
        var row = Charged(epoch, new Amounts(1, 500, 70));
        await CommitAsync(key, row);
        await Ledger.CloseEpoch(epoch);
        Assert.Equal([new EpochUse(20_000, default, new Amounts(1, 500, 70), default, 1)], await Ledger.ReadEpoch(epoch, null, Now, Cancel));

        await CommitAsync(key, Ended(row) with { Charge = row.Charge! with { Amounts = new Amounts(1, 20, 3), State = ChargeState.Settled } });

        Assert.Equal([new EpochUse(20_000, new Amounts(1, 20, 3), default, default, 0)], await Ledger.ReadEpoch(epoch, null, Now, Cancel));
    }

    [Fact]
    public async Task ReplaceEpoch_OtherShards_StayOpen()
    {
        var (other, otherTenant) = (NewEpoch(), NewEpoch());
        await Ledger.ReplaceEpoch(Tenant, 1, other);
        await Ledger.ReplaceEpoch(Tenant + "-2", 0, otherTenant);

        await OpenAsync();

        await CommitAsync(NewKey(), Charged(other, default));
        await CommitAsync(NewKey(), Charged(otherTenant, default));
    }

    [Fact]
    public async Task IsOpen_ReplacedOrClosedEpoch_IsNot()
    {
        var (replaced, closed) = (await OpenAsync(), await OpenAsync());
        Assert.Equal((false, true), (await Ledger.IsOpen(replaced, Cancel), await Ledger.IsOpen(closed, Cancel)));

        await Ledger.CloseEpoch(closed);
        await Ledger.CloseEpoch(closed);

        Assert.False(await Ledger.IsOpen(closed, Cancel));
    }

    [Fact]
    public async Task ReadEpoch_AddsUpByKeyAndDay()
    {
        var epoch = await OpenAsync();
        foreach (var (name, day) in new (string?, int)[] { ("a", 1), ("a", 1), ("a", 2), ("b", 1), (null, 1) })
        {
            var row = Charged(epoch, new Amounts(1, 10, 100));
            await CommitAsync(NewKey(), row with { KeyName = name, Charge = row.Charge! with { Day = day } });
        }

        Assert.Equal(["1 4 40 400 4", "2 1 10 100 1"], await ReadAsync(null));
        Assert.Equal(["1 2 20 200 2", "2 1 10 100 1"], await ReadAsync("a"));
        Assert.Equal(["1 1 10 100 1"], await ReadAsync("b"));
        Assert.Empty(await ReadAsync("c"));

        async Task<IEnumerable<string>> ReadAsync(string? key) => (await Ledger.ReadEpoch(epoch, key, Now, Cancel))
            .Select(use => $"{use.Day} {use.Reserved.Requests} {use.Reserved.Tokens} {use.Reserved.Credits} {use.Open}").Order();
    }

    [Fact]
    public async Task ReadEpoch_UnknownOutcomes_AreOpenUntilTheyAreFree()
    {
        var (key, epoch) = (NewKey(), await OpenAsync());
        var row = Charged(epoch, new Amounts(1, 10, 100));
        await CommitAsync(key, row);
        var ended = Ended(row) with { Charge = row.Charge! with { State = ChargeState.Unknown } };
        await CommitAsync(key, ended);

        Assert.Equal(
            [new EpochUse(20_000, default, default, new Amounts(1, 10, 100), 1)], await Ledger.ReadEpoch(epoch, null, ended.EndedAt!.Value, Cancel));
        Assert.Empty(await Ledger.ReadEpoch(epoch, null, ended.EndedAt.Value.AddMilliseconds(1), Cancel));
    }

    [Fact]
    public async Task DeleteOldTurns_TurnsOfAnOpenEpoch_StayUntilItIsClosed()
    {
        var epoch = await OpenAsync();
        var row = NewTurn(Now.AddDays(-100)) with { Charge = new TurnCharge(epoch, 20_000, new Amounts(1, 2, 3), ChargeState.Reserved) };
        await CommitAsync(NewKey(), row);

        await DeleteAsync();
        Assert.Single(await Ledger.ReadEpoch(epoch, null, Now, Cancel));

        await Ledger.CloseEpoch(epoch);
        await DeleteAsync();
        Assert.Empty(await Ledger.ReadEpoch(epoch, null, Now, Cancel));

        async Task DeleteAsync()
        {
            while (await Expiring.DeleteOldTurnsAsync(Now.AddDays(-99), 100, Cancel) >= 100)
            {
            }
        }
    }

    /// <summary>Whatever is stored when an epoch has been closed is all that will ever be stored of it.</summary>
    [Fact]
    public async Task ReplaceEpoch_WhileTurnsAreInserted_WaitsForThemOrRefusesThem()
    {
        for (var round = 0; round < 10; round++)
        {
            var epoch = await OpenAsync();
            var inserts = Enumerable.Range(0, 20).Select(_ => Task.Run(async () =>
            {
                try
                {
                    await CommitAsync(NewKey(), Charged(epoch, new Amounts(1, 0, 0)));
                    return 1;
                }
                catch (EpochClosedException)
                {
                    return 0;
                }
            })).ToList();
            await inserts[round];

            await Ledger.CloseEpoch(epoch);

            var stored = (await Ledger.ReadEpoch(epoch, null, Now, Cancel)).Sum(use => use.Reserved.Requests);
            Assert.Equal(stored, (await Task.WhenAll(inserts)).Sum());
        }
    }

    private static long NewEpoch() => Interlocked.Increment(ref _epochs);

    private TurnRow Charged(long epoch, Amounts amounts) => NewTurn() with { Charge = new TurnCharge(epoch, 20_000, amounts, ChargeState.Reserved) };

    private async Task<long> OpenAsync()
    {
        var epoch = NewEpoch();
        await Ledger.ReplaceEpoch(Tenant, 0, epoch);
        return epoch;
    }
}
