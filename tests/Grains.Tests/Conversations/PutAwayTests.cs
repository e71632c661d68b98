using CozeCluster.Grains.Tests.Fakes;
using CozeCluster.Messages;

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
        await House.Grains.Get<IConversationIndexGrain>(Tenant).List(null, 1);
        var active = House.ActivationCount;

        await PassSeconds(60, () => House.ActivationCount < active);

        Assert.Equal(active, House.ActivationCount);
    }
}
