using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

public class PutAwayTests : HouseTest
{
    [Fact]
    public async Task Fresh_AfterItsReply_IsPutAwayWithinSecondsAndCanStillBeRead()
    {
        var turn = await Complete(Request(), "Hello");
        var active = House.ActivationCount;

        await PassUntil(() => House.ActivationCount < active);

        Assert.Equal(active - 1, House.ActivationCount);
        Assert.Equal([new TextPart("Hello")], (await turn.Grain.GetTurn(Tenant, turn.Id)).Parts);
    }

    [Fact]
    public async Task Named_AfterItsReply_StaysForTheNextTurn()
    {
        await Complete(Request("talk"), "Hello");
        // The index hears of the conversation at the end of its turn; it is brought to life now, so that the count stands.
        await House.Grains.GetGrain<IConversationIndexGrain>(Tenant).List(null, 1);
        var active = House.ActivationCount;

        await PassSeconds(60, () => House.ActivationCount < active);

        Assert.Equal(active, House.ActivationCount);
    }

    [Fact]
    public async Task WhileItIsBeingSent_IsNotSentAgain()
    {
        Upstream.Hold = new TaskCompletionSource();
        var turn = await Begin(Request());
        await PassUntil(() => Upstream.OpenedCount == 1, TimeSpan.FromTicks(1));

        var stopping = House.StopAsync();
        // It waits a while for its ids.
        while (await Task.WhenAny(stopping, Task.Delay(1)) != stopping) House.Time.Advance(TimeSpan.FromSeconds(1));
        await stopping;
        Upstream.Hold = null;
        await House.StartAsync();

        var observer = new RecordingObserver();
        await Listen(turn, Cursor.Start, observer);
        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, Assert.IsType<ReplyFailed>(await observer.UntilEnd()).Error.Code);
        Assert.Equal(1, Upstream.OpenedCount);
    }
}
