using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

public class PutAwayTests : GrainTest
{
    [Fact]
    public async Task Fresh_AfterItsReply_IsPutAwayWithinSecondsAndCanStillBeRead()
    {
        var turn = await Complete(Request(), "Hello");
        var active = Silo.ActivationCount;

        await PassUntil(() => Silo.ActivationCount < active);

        Assert.Equal(active - 1, Silo.ActivationCount);
        Assert.Equal([new TextPart("Hello")], (await turn.Grain.GetTurn(Tenant, turn.Id)).Parts);
    }

    [Fact]
    public async Task Named_AfterItsReply_StaysForTheNextTurn()
    {
        await Complete(Request("talk"), "Hello");
        // The index hears of the conversation at the end of its turn; it is brought to life now, so that the count stands.
        await Silo.Grains.GetGrain<IConversationIndexGrain>(Tenant).List(null, 1);
        var active = Silo.ActivationCount;

        await PassSeconds(60, () => Silo.ActivationCount < active);

        Assert.Equal(active, Silo.ActivationCount);
    }

    [Fact]
    public async Task WhileItIsBeingSent_IsNotSentAgain()
    {
        Upstream.Hold = new TaskCompletionSource();
        var turn = await Begin(Request());
        await PassUntil(() => Upstream.OpenedCount == 1, TimeSpan.FromTicks(1));

        var stopping = Silo.StopAsync();
        // It waits a while for its ids.
        while (await Task.WhenAny(stopping, Task.Delay(1)) != stopping) Silo.Time.Advance(TimeSpan.FromSeconds(1));
        await stopping;
        Upstream.Hold = null;
        await Silo.StartAsync();

        var observer = new RecordingSubscriber();
        await Subscribe(turn, Cursor.Start, observer);
        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, Assert.IsType<ReplyFailed>(await observer.UntilEnd()).Error.Code);
        Assert.Equal(1, Upstream.OpenedCount);
    }
}
