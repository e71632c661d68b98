using CozeCluster.Grains.Testing;
using CozeCluster.Grains.Tests.Fakes;
using CozeCluster.Grains.Tests.Runtime;

namespace CozeCluster.Grains.Tests.Ledger;

/// <summary>What a budget costs each turn: two grain calls, and at most one commit.</summary>
public sealed class ChargedTurnCostTests : GrainTest
{
    private readonly SentCalls _sent = new();
    private int _commits;

    protected override bool OverTheWire => false;

    [Theory]
    [InlineData(true, true, 2)]
    [InlineData(true, false, 2)]
    [InlineData(false, true, 2)]
    [InlineData(false, false, 1)]
    public async Task A_turn_on_a_warm_silo_makes_these_calls_and_commits(bool canReattach, bool isCharged, int commits)
    {
        Upstream.CanReattach = canReattach;
        var limits = isCharged ? new LimitsDefinition { Daily = new BudgetDefinition { Requests = 1_000_000 } } : null;
        await Catalog.Import(SmallFleet() with { Version = "2", Tenants = [new TenantDefinition { Id = Tenant, Limits = limits }] });
        Hooks.AfterCommit = () =>
        {
            Interlocked.Increment(ref _commits);
            return Task.CompletedTask;
        };
        // Every shard has a block.
        for (var i = 0; i < 30; i++) await RunTurn();
        var (before, commitsBefore) = (Calls(), _commits);

        await RunTurn();

        var made = Calls().Select(call => (call.Key, Count: call.Value - before.GetValueOrDefault(call.Key))).Where(call => call.Count > 0);
        var expected = isCharged
            ? """
            account.AcquireWithin 1
            account.Return 1
            bot.Acquire 1
            bot.Return 1
            conversation.Begin 1
            ledger-shard.Reserve 1
            ledger-shard.Settle 1
            model-pool.Pick 1
            tenant.AdmitWithin 1
            tenant.Settle 1
            """
            : """
            account.AcquireWithin 1
            account.Return 1
            bot.Acquire 1
            bot.Return 1
            conversation.Begin 1
            model-pool.Pick 1
            tenant.Admit 1
            tenant.Settle 1
            """;
        Assert.Equal(expected, string.Join('\n', made.OrderBy(call => call.Key, StringComparer.Ordinal).Select(call => $"{call.Key} {call.Count}")));
        Assert.Equal(commits, _commits - commitsBefore);
    }

    protected override void Configure(ISiloBuilder silo) => silo.AddOutgoingGrainCallFilter(_sent);

    private async Task RunTurn()
    {
        var turn = await Complete(Request(), "A reply.");
        // The deactivation waits for the work of the conversation after the end of the turn.
        await TestSilo.DeactivateAsync(turn.Grain);
        await turn.Grain.GetTurn(Tenant, turn.Id);
    }

    private Dictionary<string, int> Calls() => _sent.All
        .Where(call => call.IsOwn && call.Method != nameof(IConversationGrain.GetTurn))
        .CountBy(call => $"{call.Target.Type}.{call.Method}")
        .ToDictionary();
}
