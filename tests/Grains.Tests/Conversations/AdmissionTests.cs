using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>A conversation takes what its tenant admits; the tenant of these may have one turn.</summary>
public sealed class AdmissionTests : GrainTest
{
    private const string Narrow = "t3";

    [Fact]
    public async Task Begin_TenantAtItsLimit_IsRefusedAndLeavesNothing()
    {
        var first = await Begin(Of(Narrow));
        var exchange = await Upstream.NextOpened();
        var refused = Of(Narrow);

        var refusal = await Assert.ThrowsAsync<ClusterException>(() => Begin(refused));

        Assert.Equal(ErrorCode.RateLimited, refusal.Code);
        Assert.True(TurnId.TryGetConversation(refused.TurnId, out var key));
        var unknown = await Assert.ThrowsAsync<ClusterException>(() => Silo.Grains.GetGrain<IConversationGrain>(key).GetTurn(Narrow, refused.TurnId));
        Assert.Equal(ErrorCode.NotFound, unknown.Code);
        Assert.Equal(1, Upstream.OpenedCount);

        exchange.Identify().Say("One").Complete();
        await first.Subscriber.UntilEnd();
        await UntilAdmitted(refused);
        (await Upstream.NextOpened()).Identify().Say("Two").Complete();
    }

    [Fact]
    public async Task Begin_TheSameTurnAgain_NeedsNoOtherAdmission()
    {
        var request = Of(Narrow);
        var turn = await Begin(request);
        var again = await Begin(request);

        (await Upstream.NextOpened()).Identify().Say("Hello").Complete();

        Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
        Assert.IsType<ReplyCompleted>(await again.Subscriber.UntilEnd());
        Assert.Equal(1, Upstream.OpenedCount);
    }

    [Fact]
    public async Task Begin_ATurnThatHasEndedWhileAnotherRuns_IsRead()
    {
        var ended = Of(Narrow);
        await Complete(ended, "Done");
        var running = Of(Narrow);
        await UntilAdmitted(running);

        var again = await Begin(ended);

        Assert.IsType<ReplyCompleted>(await again.Subscriber.UntilEnd());
    }

    [Fact]
    public async Task Begin_TheOnlyBotIsBusy_EndsWithItsReasonAndIsNotTakenForSent()
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

    private static TurnRequest Of(string tenant) => Request() with { TenantId = tenant, TurnId = TurnId.New(tenant, null) };

    /// <summary>Begins a turn once that before it is settled, which is soon after its end was told.</summary>
    private async Task UntilAdmitted(TurnRequest request)
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
