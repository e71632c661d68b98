
using CozeCluster.Grains.Testing;

namespace CozeCluster.Discord.Tests;

public sealed class ChannelJanitorTests : DiscordGrainTest
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private IChannelJanitorGrain Janitor => Silo.Grains.GetGrain<IChannelJanitorGrain>(GrainKeys.ChannelJanitor("l1"));

    [Fact]
    public async Task Create_Twice_CreatesOneChannel()
    {
        var ids = await Task.WhenAll(Create("turn"), Create("turn"));
        var again = await Create("turn");

        Assert.Equal([again, again], ids);
        var channel = Assert.Single(Discord.Channels.Values);
        Assert.StartsWith("chat-", channel.Name, StringComparison.Ordinal);
        Assert.Contains("CozeCluster", channel.Topic, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Release_DeletesTheChannelWhenItIsDue()
    {
        var id = await Create("turn");
        await Janitor.Release(id, TimeSpan.FromSeconds(5));
        await Silo.PassSeconds(4, () => Discord.Channels.IsEmpty);
        Assert.Single(Discord.Channels);

        await UntilCount(0);
    }

    [Fact]
    public async Task Release_AtOnce_DeletesTheChannelAtOnce()
    {
        await Janitor.Release(await Create("turn"), TimeSpan.Zero);

        await UntilCount(0);
    }

    [Fact]
    public async Task Release_WithoutTime_KeepsTheChannel()
    {
        await Janitor.Release(await Create("turn", lifetime: TimeSpan.FromSeconds(2)), null);

        await Silo.PassSeconds(5, () => Discord.Channels.IsEmpty);
        Assert.Single(Discord.Channels);
    }

    [Fact]
    public async Task Keep_AfterRelease_CancelsTheDeletion()
    {
        var id = await Create("turn");
        await Janitor.Release(id, TimeSpan.FromSeconds(5));
        await Janitor.Keep(id, Hour);

        await Silo.PassSeconds(10, () => Discord.Channels.IsEmpty);
        Assert.Single(Discord.Channels);
    }

    [Fact]
    public async Task Create_AfterTheOwnersChannelWasReleased_CreatesAnotherAndDeletesBoth()
    {
        var first = await Create("turn");
        await Janitor.Release(first, TimeSpan.FromSeconds(5));
        var second = await Create("turn");
        Assert.NotEqual(first, second);

        await Janitor.Release(second, TimeSpan.FromSeconds(1));
        await UntilCount(0);
    }

    [Fact]
    public async Task Sweep_OneChannelCannotBeDeleted_DeletesTheOthers()
    {
        var ids = await Task.WhenAll(Create("one"), Create("two"), Create("three"));
        Discord.Undeletable[ids[0]] = true;
        foreach (var id in ids) await Janitor.Release(id, TimeSpan.FromSeconds(1));
        await UntilCount(1);
        Assert.Equal(ids[0], Assert.Single(Discord.Channels.Values).Id);

        Discord.Undeletable.Clear();
        await UntilCount(0);
    }

    [Fact]
    public async Task Sweep_ListenerMayNotDelete_RetriesWithGrowingPauses()
    {
        // Discord bans addresses whose requests it rejects again and again.
        var id = await Create("turn");
        Discord.Undeletable[id] = true;
        await Janitor.Release(id, TimeSpan.FromSeconds(1));

        await Silo.PassSeconds(600, () => false, TimeSpan.FromSeconds(10));

        Assert.InRange(Discord.DeletionCount, 2, 6);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sweep_ResponseToTheCreationWasLost_FindsTheChannelAlthoughDiscordChangedItsName(bool isThread)
    {
        Discord.LostResponses.Enqueue(new ClusterException(ErrorCode.UpstreamUnavailable, "The connection broke."));
        await Assert.ThrowsAsync<ClusterException>(() => Create("turn", isThread: isThread, name: "My Chat"));
        Assert.StartsWith(isThread ? "My Chat-" : "my-chat-", Assert.Single(Discord.Channels.Values).Name, StringComparison.Ordinal);

        await UntilCount(0);
    }

    [Fact]
    public async Task Sweep_ResponseToTheCreationWasLost_KeepsAChannelWithoutTheMark()
    {
        Discord.LostResponses.Enqueue(new ClusterException(ErrorCode.UpstreamUnavailable, "The connection broke."));
        await Assert.ThrowsAsync<ClusterException>(() => Create("turn"));
        var channel = Assert.Single(Discord.Channels.Values);
        Discord.Channels[channel.Id] = channel with { Topic = "Another topic" };

        await Silo.PassSeconds(600, () => Discord.Channels.IsEmpty, TimeSpan.FromSeconds(10));

        Assert.Single(Discord.Channels);
    }

    [Fact]
    public async Task Create_TakesLongerThanTheLifetimeOfAnIntent_KeepsTheChannel()
    {
        var response = new TaskCompletionSource();
        Discord.ResponseDelay = response.Task;
        var creating = Create("turn");
        await Silo.PassUntil(() => Discord.Channels.Count == 1);

        await Silo.PassSeconds(300, () => Discord.Channels.IsEmpty, TimeSpan.FromSeconds(5));
        await Janitor.Sweep();
        response.SetResult();

        Assert.Equal(await creating, Assert.Single(Discord.Channels).Key);
    }

    [Fact]
    public async Task Create_WhileTheOwnersLostChannelIsBeingDeleted_CreatesAnother()
    {
        Discord.LostResponses.Enqueue(new ClusterException(ErrorCode.UpstreamUnavailable, "The connection broke."));
        await Assert.ThrowsAsync<ClusterException>(() => Create("turn"));
        var lost = Assert.Single(Discord.Channels).Key;
        var deletion = new TaskCompletionSource();
        Discord.DeletionDelay = deletion.Task;
        await Silo.PassUntil(() => Discord.DeletionCount == 1, TimeSpan.FromSeconds(5));

        var created = await Create("turn");
        deletion.SetResult();
        await Silo.PassUntil(() => Discord.Channels.Count == 1);

        Assert.NotEqual(lost, created);
        // The janitor still knows the new one.
        Assert.Equal(created, await Create("turn"));
        await Janitor.Release(created, TimeSpan.FromSeconds(1));
        await UntilCount(0);
    }

    [Fact]
    public async Task Create_AfterALostResponse_ReturnsTheCreatedChannel()
    {
        Discord.LostResponses.Enqueue(new ClusterException(ErrorCode.UpstreamUnavailable, "The connection broke."));
        await Assert.ThrowsAsync<ClusterException>(() => Create("turn"));

        Assert.Equal(Assert.Single(Discord.Channels).Key, await Create("turn"));
    }

    [Fact]
    public async Task Crash_ChannelsOfTheFailedNode_AreDeleted()
    {
        await Create("turn", lifetime: TimeSpan.FromMinutes(3));
        await Crash();

        await UntilCount(0);
    }

    [Fact]
    public async Task Create_ServerFull_DeletesAReleasedChannel()
    {
        Discord.MaxChannels = 2;
        var old = await Create("old");
        var used = await Create("used");
        await Janitor.Release(old, Hour);

        var created = await Create("new");

        Assert.Equal(new HashSet<string> { used, created }, Discord.Channels.Keys.ToHashSet());
        Assert.Equal(ErrorCode.UpstreamFailed, (await Assert.ThrowsAsync<ClusterException>(() => Create("newer"))).Code);
    }

    [Fact]
    public async Task Create_ServerFull_ConcurrentCallsDeleteDifferentChannels()
    {
        Discord.MaxChannels = 5;
        var undeletable = await Create("undeletable");
        var old = await Task.WhenAll(Enumerable.Range(0, 4).Select(n => Create($"old{n}")));
        foreach (var id in old) await Janitor.Release(id, Hour);
        await Janitor.Release(undeletable, TimeSpan.FromMinutes(30));
        Discord.Undeletable[undeletable] = true;

        var created = await Task.WhenAll(Enumerable.Range(0, 4).Select(n => Create($"new{n}")));

        Assert.Equal(created.Append(undeletable).ToHashSet(), Discord.Channels.Keys.ToHashSet());
    }

    [Fact]
    public async Task Channel_OfAnOperator_IsListedRenamedAndDeleted()
    {
        var id = await Create("operator");
        await Janitor.Release(id, null);
        await Janitor.Rename(id, "chatter");

        Assert.Equal((id, "chatter"), (Assert.Single(await Janitor.List()).Id, Discord.Channels[id].Name));
        await Janitor.Delete(id);
        Assert.Empty(Discord.Channels);
    }

    [Fact]
    public async Task DeleteOf_DeletesTheChannelsOfTheTenantThatAreNotInUse()
    {
        var kept = await Create("kept", tenant: "t");
        await Janitor.Release(kept, null);
        var waiting = await Create("waiting", tenant: "t");
        await Janitor.Release(waiting, Hour);
        var used = await Create("used", tenant: "t");
        var others = await Create("others", tenant: "u");
        await Janitor.Release(others, Hour);
        var shared = await Create("shared");
        await Janitor.Release(shared, Hour);
        Discord.Channels["general"] = new DiscordChannelInfo("general", "general", null, 0, "Made by somebody for t");

        Assert.Equal(2, await Janitor.DeleteOf("t"));

        await UntilCount(4);
        Assert.Equal(new HashSet<string> { used, others, shared, "general" }, Discord.Channels.Keys.ToHashSet());
        Assert.Equal(0, await Janitor.DeleteOf("t"));
    }

    [Fact]
    public async Task DeleteOf_NodeFails_TheNextOneDeletesWhatIsLeft()
    {
        await Janitor.Release(await Create("kept", tenant: "t"), null);
        var response = new TaskCompletionSource();
        Discord.DeletionDelay = response.Task;
        Assert.Equal(1, await Janitor.DeleteOf("t"));

        await Crash();
        Discord.DeletionDelay = Task.CompletedTask;
        await Janitor.Sweep();

        await UntilCount(0);
        response.SetResult();
    }

    [Fact]
    public async Task Release_ChannelOfOthers_IsIgnored()
    {
        Discord.Channels["other"] = new DiscordChannelInfo("other", "general", null, 0, null);
        await Janitor.Release("other", TimeSpan.Zero);
        await Janitor.Keep("other", TimeSpan.FromSeconds(1));

        await Silo.PassSeconds(5, () => Discord.Channels.IsEmpty);
        Assert.Single(Discord.Channels);
    }

    /// <summary>Moves the clock until the server has that many channels.</summary>
    private async Task UntilCount(int count)
    {
        for (var i = 0; i < 3_000 && Discord.Channels.Count > count; i++)
        {
            Silo.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(5);
        }
        Assert.Equal(count, Discord.Channels.Count);
    }

    private Task<string> Create(string owner, TimeSpan? lifetime = null, bool isThread = false, string name = "chat", string? tenant = null) =>
        Janitor.Create(new DiscordChannelRequest(owner, name, isThread ? "1" : null, isThread, lifetime ?? Hour) { TenantId = tenant });
}
