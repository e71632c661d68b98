using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

public class ConversationIndexTests : GrainTest
{
    public ConversationIndexTests() => Hooks.State = "conversation-index";

    private IConversationIndexGrain Index => Silo.Grains.GetGrain<IConversationIndexGrain>(Tenant);

    [Fact]
    public async Task List_AfterARemovedConversation_ContinuesAtItsPosition()
    {
        for (var i = 1; i <= 4; i++) await Add($"c{i}", i);
        Assert.Equal(["c4", "c3"], await Names(null, 2));

        await Index.Remove("c4");
        await Index.Remove("c3");

        Assert.Equal(["c2", "c1"], await Names("c3", 2));
    }

    [Fact]
    public async Task Remove_BeforeACrash_IsSaved()
    {
        await Add("removed", 1);
        await PassSeconds(2, () => false);
        await Index.Remove("removed");
        await Crash();
        Assert.Empty(await Names(null, 10));
    }

    [Fact]
    public async Task Update_AfterAFailedSave_IsSavedLater()
    {
        var saves = 0;
        Hooks.BeforeSave = () => ++saves == 1 ? throw new TimeoutException() : Task.CompletedTask;
        await Add("c", 1);
        await PassSeconds(5, () => saves == 2);
        Assert.Equal(2, saves);
    }

    private Task Add(string name, int minute)
    {
        var at = Silo.Time.GetUtcNow() + TimeSpan.FromMinutes(minute);
        return Index.Update(new ConversationSummary(name, null, at, at, 1));
    }

    private async Task<IEnumerable<string>> Names(string? after, int limit) => (await Index.List(after, limit)).Select(one => one.Name);
}
