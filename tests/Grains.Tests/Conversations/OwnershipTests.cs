using CozeCluster.Grains.Testing;
using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>Whoever can write an id cannot use it for what belongs to another tenant, or does not exist. Nothing is stored for such a request.</summary>
public sealed class OwnershipTests : GrainTest
{
    private const string Attacker = "t2";
    private const int Tries = 200;

    [Fact]
    public async Task Names_TakenByForgedIds_StayFree()
    {
        for (var i = 0; i < Tries; i++)
        {
            // A turn of the attacker, in the conversation that another tenant will open.
            var conversation = TestIds.Ids.NewTurn(Tenant, $"chat-{i}")[^27..];
            var turnId = TestIds.Ids.NewTurn(Attacker, null) + conversation;
            await AssertRefused(ErrorCode.NotFound, Result(turnId, Attacker));
            await AssertRefused(ErrorCode.NotFound, Request($"chat-{i}") with { TenantId = Attacker, TurnId = turnId });
        }

        Assert.Equal((0L, 0L), CountAll());
        await Complete(Request("chat-7"), "mine");
    }

    [Fact]
    public async Task Names_OfTheTenantItself_AreNotOpenedByToolResults()
    {
        for (var i = 0; i < Tries; i++)
        {
            var turnId = TestIds.Ids.NewTurn(Tenant, $"chat-{i}");
            await AssertRefused(ErrorCode.NotFound, Result(turnId, Tenant));
            await AssertRefused(ErrorCode.NotFound, Result(turnId, Tenant) with { ConversationName = $"chat-{i}" });
            await AssertRefused(ErrorCode.NotFound, Result(TestIds.Ids.NewTurnAfter(Tenant, TestIds.Ids.NewTurn(Tenant, null)), Tenant));
        }

        Assert.Equal((0L, 0L), CountAll());
    }

    [Fact]
    public async Task IdempotencyKey_OfAnotherTenant_IsNotTaken()
    {
        foreach (var name in new[] { null, "chat" })
        {
            var request = Request(name) with { TurnId = TestIds.Ids.TurnOfKey(Tenant, name, "once"), Fingerprint = "f" };
            await AssertRefused(ErrorCode.NotFound, request with { TenantId = Attacker });
            Assert.Equal("mine", (await Complete(request, "mine")).Subscriber.Text);
            await AssertRefused(ErrorCode.NotFound, request with { TenantId = Attacker });
        }
    }

    [Theory]
    [InlineData("chat")]
    [InlineData(null)]
    public async Task ToolResult_ForNothing_StoresNothing(string? name)
    {
        var turn = await Complete(Request(name), "no call");
        var before = CountAll();
        // The turn has made no call; the turn does not exist; the id is no turn's.
        (string CallId, ErrorCode Error)[] cases =
        [
            (ToolCallIds.Of(turn.Id, 0), ErrorCode.InvalidRequest),
            (ToolCallIds.Of(TestIds.Ids.NewTurnAfter(Tenant, turn.Id), 0), ErrorCode.NotFound),
            ("call_elsewhere", ErrorCode.InvalidRequest),
        ];
        foreach (var (callId, error) in cases)
        {
            var request = Request(name) with
            {
                TurnId = TestIds.Ids.NewTurnAfter(Tenant, turn.Id), ToolOutputs = [new ToolOutput(callId, "sunny")],
            };
            await AssertRefused(error, request);
        }

        Assert.Equal(before, CountAll());
        Assert.Equal(1, Upstream.OpenedCount);
    }

    [Fact]
    public async Task AnyCall_ForWhatDoesNotExist_ThrowsNotFoundAndLeavesNoActivation()
    {
        await LetGrainsRun();
        var before = Silo.ActivationCount;
        for (var i = 0; i < Tries; i++)
        {
            var grain = Silo.Grains.GetGrain<IConversationGrain>(TestIds.Ids.KeyOf(Tenant, $"chat-{i}"));
            var turnId = TestIds.Ids.NewTurn(Tenant, $"chat-{i}");
            Func<Task>[] calls =
            [
                () => grain.Delete(Tenant), () => grain.Rename(Tenant, "mine"), () => grain.GetConversation(Tenant), () => grain.GetTurn(Tenant, turnId),
                () => grain.Cancel(Tenant, turnId), () => grain.Read(Tenant, turnId, Cursor.Start, 100),
            ];
            Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<ClusterException>(calls[i % calls.Length])).Code);
        }

        Assert.Equal((0L, 0L), CountAll());
        await PassUntil(() => Silo.ActivationCount <= before + 10);
    }

    private static TurnRequest Result(string turnId, string tenant) => Request() with
    {
        TenantId = tenant, TurnId = turnId, ToolOutputs = [new ToolOutput(ToolCallIds.Of(turnId, 0), "sunny")],
    };

    private async Task AssertRefused(ErrorCode code, TurnRequest request) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<ClusterException>(() => Begin(request))).Code);

    private (long Heads, long Turns) CountAll() =>
        ((long)Silo.Query("SELECT count(*) FROM conversations")!, (long)Silo.Query("SELECT count(*) FROM turns")!);
}
