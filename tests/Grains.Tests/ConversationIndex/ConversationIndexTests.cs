using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.ConversationIndex;

public class ConversationIndexTests : HouseTest
{
    public ConversationIndexTests() => Hooks.State = "conversation-index";

    private IConversationIndexGrain Index => House.Grains.GetGrain<IConversationIndexGrain>(Tenant);

    [Fact]
    public async Task List_AfterOneThatWasForgotten_GoesOnWhereItStood()
    {
        for (var i = 1; i <= 4; i++) await Note($"c{i}", i);
        Assert.Equal(["c4", "c3"], await Names(null, 2));

        await Index.Forget("c4");
        await Index.Forget("c3");

        Assert.Equal(["c2", "c1"], await Names("c3", 2));
    }

    [Fact]
    public async Task Forget_BeforeACrash_StaysForgotten()
    {
        await Note("gone", 1);
        await PassSeconds(2, () => false);
        await Index.Forget("gone");
        await Crash();
        Assert.Empty(await Names(null, 10));
    }

    [Fact]
    public async Task Note_WhoseSaveFails_IsSavedLater()
    {
        var saves = 0;
        Hooks.BeforeSave = () => ++saves == 1 ? throw new TimeoutException() : Task.CompletedTask;
        await Note("c", 1);
        await PassSeconds(5, () => saves == 2);
        Assert.Equal(2, saves);
    }

    private Task Note(string name, int minute)
    {
        var at = House.Time.GetUtcNow() + TimeSpan.FromMinutes(minute);
        return Index.Note(new ConversationSummary(name, null, at, at, 1));
    }

    private async Task<IEnumerable<string>> Names(string? after, int limit) => (await Index.List(after, limit)).Select(one => one.Name);
}
