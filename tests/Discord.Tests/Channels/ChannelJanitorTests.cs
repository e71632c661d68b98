
using CozeCluster.Grains.Testing;

namespace CozeCluster.Discord.Tests;

public sealed class ChannelJanitorTests : DiscordGrainTest
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private IChannelJanitorGrain Janitor => Silo.Grains.GetGrain<IChannelJanitorGrain>(GrainKeys.ChannelJanitor("l1"));

    [Fact]
    public async Task Create_Twice_MakesOne()
    {
        var ids = await Task.WhenAll(Create("turn"), Create("turn"));
        var again = await Create("turn");

        Assert.Equal([again, again], ids);
        var made = Assert.Single(Discord.Channels.Values);
        Assert.StartsWith("chat-", made.Name, StringComparison.Ordinal);
        Assert.Contains("CozeCluster", made.Topic, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Release_DeletesWhenItsTimeHasCome()
    {
        var id = await Create("turn");
        await Janitor.Release(id, TimeSpan.FromSeconds(5));
        await Silo.PassSeconds(4, () => Discord.Channels.IsEmpty);
        Assert.Single(Discord.Channels);

        await UntilLeft(0);
    }

    [Fact]
    public async Task Release_AtOnce_DeletesAtOnce()
    {
        await Janitor.Release(await Create("turn"), TimeSpan.Zero);

        await UntilLeft(0);
    }

    [Fact]
    public async Task Release_ForEver_LeavesItAlone()
    {
        await Janitor.Release(await Create("turn", lifetime: TimeSpan.FromSeconds(2)), null);

        await Silo.PassSeconds(5, () => Discord.Channels.IsEmpty);
        Assert.Single(Discord.Channels);
    }

    [Fact]
    public async Task Keep_AfterRelease_CallsTheDeletionOff()
    {
        var id = await Create("turn");
        await Janitor.Release(id, TimeSpan.FromSeconds(5));
        await Janitor.Keep(id, Hour);

        await Silo.PassSeconds(10, () => Discord.Channels.IsEmpty);
        Assert.Single(Discord.Channels);
    }

    [Fact]
    public async Task Create_WhileTheOwnersIsOnItsWayOut_MakesAnotherAndBothGo()
    {
        var first = await Create("turn");
        await Janitor.Release(first, TimeSpan.FromSeconds(5));
        var second = await Create("turn");
        Assert.NotEqual(first, second);

        await Janitor.Release(second, TimeSpan.FromSeconds(1));
        await UntilLeft(0);
    }

    [Fact]
    public async Task Sweep_OneThatIsStuck_DoesNotHoldUpTheOthers()
    {
        var ids = await Task.WhenAll(Create("one"), Create("two"), Create("three"));
        Discord.Stuck[ids[0]] = true;
        foreach (var id in ids) await Janitor.Release(id, TimeSpan.FromSeconds(1));
        await UntilLeft(1);
        Assert.Equal(ids[0], Assert.Single(Discord.Channels.Values).Id);

        Discord.Stuck.Clear();
        await UntilLeft(0);
    }

    [Fact]
    public async Task Sweep_ListenerMayNotDelete_IsTriedLessAndLess()
    {
        // Discord bans addresses that are refused again and again.
        var id = await Create("turn");
        Discord.Stuck[id] = true;
        await Janitor.Release(id, TimeSpan.FromSeconds(1));

        await Silo.PassSeconds(600, () => false, TimeSpan.FromSeconds(10));

        Assert.InRange(Discord.Deletions, 2, 6);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sweep_ChannelOfALostAnswer_IsFoundThoughDiscordChangedItsName(bool isThread)
    {
        Discord.LostAnswers.Enqueue(new ClusterException(ErrorCode.UpstreamUnavailable, "The connection broke."));
        await Assert.ThrowsAsync<ClusterException>(() => Create("turn", isThread: isThread, name: "My Chat"));
        Assert.StartsWith(isThread ? "My Chat-" : "my-chat-", Assert.Single(Discord.Channels.Values).Name, StringComparison.Ordinal);

        await UntilLeft(0);
    }

    [Fact]
    public async Task Sweep_ChannelOfALostAnswer_IsNotMistakenForOneWithoutItsMark()
    {
        Discord.LostAnswers.Enqueue(new ClusterException(ErrorCode.UpstreamUnavailable, "The connection broke."));
        await Assert.ThrowsAsync<ClusterException>(() => Create("turn"));
        var ours = Assert.Single(Discord.Channels.Values);
        Discord.Channels[ours.Id] = ours with { Topic = "Somebody's own" };

        await Silo.PassSeconds(600, () => Discord.Channels.IsEmpty, TimeSpan.FromSeconds(10));

        Assert.Single(Discord.Channels);
    }

    [Fact]
    public async Task Create_AgainAfterALostAnswer_TakesWhatWasMade()
    {
        Discord.LostAnswers.Enqueue(new ClusterException(ErrorCode.UpstreamUnavailable, "The connection broke."));
        await Assert.ThrowsAsync<ClusterException>(() => Create("turn"));

        Assert.Equal(Assert.Single(Discord.Channels).Key, await Create("turn"));
    }

    [Fact]
    public async Task Crash_ChannelsOfTheDeadNode_Go()
    {
        await Create("turn", lifetime: TimeSpan.FromMinutes(3));
        await Crash();

        await UntilLeft(0);
    }

    [Fact]
    public async Task Create_ServerFull_RemovesWhatNobodyUses()
    {
        Discord.MostChannels = 2;
        var old = await Create("old");
        var used = await Create("used");
        await Janitor.Release(old, Hour);

        var made = await Create("new");

        Assert.Equal(new HashSet<string> { used, made }, Discord.Channels.Keys.ToHashSet());
        Assert.Equal(ErrorCode.UpstreamFailed, (await Assert.ThrowsAsync<ClusterException>(() => Create("newer"))).Code);
    }

    [Fact]
    public async Task Create_ServerFull_ManyAtOnce_EachRemovesAnother()
    {
        Discord.MostChannels = 5;
        var stuck = await Create("stuck");
        foreach (var id in await Task.WhenAll(Enumerable.Range(0, 4).Select(n => Create($"old{n}")))) await Janitor.Release(id, Hour);
        await Janitor.Release(stuck, TimeSpan.FromMinutes(30));
        Discord.Stuck[stuck] = true;

        var made = await Task.WhenAll(Enumerable.Range(0, 4).Select(n => Create($"new{n}")));

        Assert.Equal(made.Append(stuck).ToHashSet(), Discord.Channels.Keys.ToHashSet());
    }

    [Fact]
    public async Task Channel_ForAnOperator_IsListedRenamedAndDeleted()
    {
        var id = await Create("operator");
        await Janitor.Release(id, null);
        await Janitor.Rename(id, "chatter");

        Assert.Equal((id, "chatter"), (Assert.Single(await Janitor.List()).Id, Discord.Channels[id].Name));
        await Janitor.Delete(id);
        Assert.Empty(Discord.Channels);
    }

    [Fact]
    public async Task Delete_ChannelOfOthers_IsTheOperatorsBusinessButReleaseIsNot()
    {
        Discord.Channels["other"] = new DiscordChannelInfo("other", "general", null, 0, null);
        await Janitor.Release("other", TimeSpan.Zero);
        await Janitor.Keep("other", TimeSpan.FromSeconds(1));

        await Silo.PassSeconds(5, () => Discord.Channels.IsEmpty);
        Assert.Single(Discord.Channels);
    }

    /// <summary>Lets time pass, and what waits for it act, until so many channels are left.</summary>
    private async Task UntilLeft(int count)
    {
        for (var i = 0; i < 3_000 && Discord.Channels.Count > count; i++)
        {
            Silo.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(5);
        }
        Assert.Equal(count, Discord.Channels.Count);
    }

    private Task<string> Create(string owner, TimeSpan? lifetime = null, bool isThread = false, string name = "chat") =>
        Janitor.Create(new DiscordChannelRequest(owner, name, isThread ? "1" : null, isThread, lifetime ?? Hour));
}
