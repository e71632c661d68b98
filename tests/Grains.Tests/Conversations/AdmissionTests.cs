using CozeCluster.Grains.Testing;
using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>A conversation accepts only turns that its tenant admits. The tenant of these tests may run one turn at a time.</summary>
public sealed class AdmissionTests : GrainTest
{
    private const string OneTurnTenant = "t3";

    [Fact]
    public async Task Begin_TenantAtItsLimit_IsRefusedAndStoresNothing()
    {
        var first = await Begin(RequestOf(OneTurnTenant));
        var exchange = await Upstream.NextOpened();
        var refused = RequestOf(OneTurnTenant);

        var refusal = await Assert.ThrowsAsync<ClusterException>(() => Begin(refused));

        Assert.Equal(ErrorCode.RateLimited, refusal.Code);
        Assert.True(TurnId.TryGetConversation(refused.TurnId, out var key));
        var notFound = await Assert.ThrowsAsync<ClusterException>(() => Silo.Grains.GetGrain<IConversationGrain>(key).GetTurn(OneTurnTenant, refused.TurnId));
        Assert.Equal(ErrorCode.NotFound, notFound.Code);
        Assert.Equal(1, Upstream.OpenedCount);

        exchange.Identify().Say("One").Complete();
        await first.Subscriber.UntilEnd();
        await BeginWhenAdmitted(refused);
        (await Upstream.NextOpened()).Identify().Say("Two").Complete();
    }

    [Fact]
    public async Task Begin_SameTurnAgain_NeedsNoSecondAdmission()
    {
        var request = RequestOf(OneTurnTenant);
        var turn = await Begin(request);
        var again = await Begin(request);

        (await Upstream.NextOpened()).Identify().Say("Hello").Complete();

        Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
        Assert.IsType<ReplyCompleted>(await again.Subscriber.UntilEnd());
        Assert.Equal(1, Upstream.OpenedCount);
    }

    [Fact]
    public async Task Begin_EndedTurnWhileAnotherRuns_DeliversItsReply()
    {
        var ended = RequestOf(OneTurnTenant);
        await Complete(ended, "Done");
        var running = RequestOf(OneTurnTenant);
        await BeginWhenAdmitted(running);

        var again = await Begin(ended);

        Assert.IsType<ReplyCompleted>(await again.Subscriber.UntilEnd());
    }

    [Fact]
    public async Task Begin_OnlyBotIsBusy_EndsWithTheRefusalAndWithoutAnIntent()
    {
        await Begin(Request(model: "single"));
        await Upstream.NextOpened();

        var turn = await Begin(Request(model: "single"));

        var end = Assert.IsType<ReplyFailed>(await turn.Subscriber.UntilEnd());
        Assert.NotEqual(ErrorCode.UpstreamOutcomeUnknown, end.Error.Code);
        await Crash();
        var stored = await Silo.Grains.GetGrain<IConversationGrain>(turn.Key).GetTurn(Tenant, turn.Id);
        Assert.Equal(end.Error.Code, Assert.IsType<ReplyFailed>(stored.End).Error.Code);
    }

    private static TurnRequest RequestOf(string tenant) => Request() with { TenantId = tenant, TurnId = TestIds.Ids.NewTurn(tenant, null) };

    /// <summary>Begins a turn when the tenant has settled the turn before, which is shortly after the end of that turn was delivered.</summary>
    private async Task BeginWhenAdmitted(TurnRequest request)
    {
        for (var i = 0; ; i++)
        {
            try
            {
                await Begin(request);
                return;
            }
            catch (ClusterException exception) when (exception.Code == ErrorCode.RateLimited && i < 3_000)
            {
                await Task.Delay(10);
            }
        }
    }
}
