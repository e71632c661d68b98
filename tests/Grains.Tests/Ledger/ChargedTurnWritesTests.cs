using System.Collections.Concurrent;
using CozeCluster.Grains.Testing;
using CozeCluster.Grains.Tests.Fakes;
using CozeCluster.Storage;
using Microsoft.Extensions.DependencyInjection;
using SQLitePCL;

namespace CozeCluster.Grains.Tests.Ledger;

/// <summary>What a budget costs each turn in the database: at most one statement, and a few pages of the write-ahead log.</summary>
public sealed class ChargedTurnWritesTests(ITestOutputHelper output) : GrainTest
{
    private const int Turns = 25;
    private const int PageSize = 4096;

    private static readonly string[] Transactions = ["BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"];

    private readonly ConcurrentQueue<string> _statements = new();

    [Theory]
    [InlineData(true, 0, 12_000)]
    [InlineData(false, 1, 24_000)]
    public async Task A_budget_adds_these_statements_and_bytes(bool canReattach, int statements, int bytes)
    {
        Upstream.CanReattach = canReattach;
        await Watch();

        var free = await Measure(null);
        var charged = await Measure(new LimitsDefinition { Daily = new BudgetDefinition { Requests = 1_000_000 } });

        output.WriteLine($"{free} without a budget, {charged} with one, for {Turns} turns");
        Assert.Equal(statements * Turns, charged.Statements - free.Statements);
        Assert.InRange(charged.Bytes - free.Bytes, 1, bytes * Turns);
    }

    private async Task<(int Statements, long Bytes)> Measure(LimitsDefinition? limits)
    {
        await Catalog.Import(SmallFleet() with
        {
            Version = $"{limits is null}",
            Tenants = [new TenantDefinition { Id = Tenant, Limits = limits }],
            Models = [.. SmallFleet().Models.Select(model => model with { Price = new PriceDefinition { Input = 2, Output = 3, Request = 1 } })],
        });
        // Every shard has a block.
        for (var i = 0; i < 30; i++) await RunTurn();
        _statements.Clear();
        await ReadPages();
        for (var i = 0; i < Turns; i++) await RunTurn();
        return (_statements.Count(sql => !Transactions.Contains(sql)), await ReadPages() * PageSize);
    }

    private async Task RunTurn()
    {
        var turn = await Complete(Request(), "A reply.");
        // The deactivation waits for the work of the conversation after the end of the turn.
        await TestSilo.DeactivateAsync(turn.Grain);
        await turn.Grain.GetTurn(Tenant, turn.Id);
    }

    private Task<bool> Watch() => Silo.Services.GetRequiredService<SqliteStore>().Write(write =>
    {
        raw.sqlite3_trace(write.Connection.Handle, (_, sql) => _statements.Enqueue(sql), null);
        return true;
    });

    /// <summary>The pages that were written since the last call.</summary>
    private async Task<long> ReadPages()
    {
        var pages = 0;
        await Silo.Services.GetRequiredService<SqliteStore>().Write(write =>
        {
            Assert.Equal(raw.SQLITE_OK, raw.sqlite3_db_status(write.Connection.Handle, raw.SQLITE_DBSTATUS_CACHE_WRITE, out pages, out _, 1));
            return true;
        });
        return pages;
    }
}
