using CozeCluster.Grains.Testing;
using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>Lists the grain calls of one turn, because they are the largest cost of short replies. Every additional call must be added here.</summary>
public sealed class TurnCallBudgetTests : GrainTest
{
    private readonly SentCalls _sent = new();

    protected override bool OverTheWire => false;

    [Fact(Timeout = 60_000)]
    public async Task A_turn_on_a_warm_silo_makes_these_calls()
    {
        // Both bots and both accounts have answered once, so their health is known.
        for (var i = 0; i < 4; i++) await RunTurn();
        var before = Calls();

        await RunTurn();

        var calls = Calls();
        var made = calls.Select(call => (call.Key, Count: call.Value - before.GetValueOrDefault(call.Key))).Where(call => call.Count > 0);
        Assert.Equal(
            """
            account.AcquireWithin 1
            account.Return 1
            bot.Acquire 1
            bot.Return 1
            conversation.Begin 1
            model-pool.Pick 1
            tenant.Admit 1
            tenant.Settle 1
            """,
            string.Join('\n', made.OrderBy(call => call.Key, StringComparer.Ordinal).Select(call => $"{call.Key} {call.Count}")));
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
