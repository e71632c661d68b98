using System.Globalization;
using CozeCluster.Grains.Testing;

namespace CozeCluster.Discord.Tests;

/// <summary>Channels in a category with a given name, which is found or created.</summary>
public sealed class GuildCategoriesTests : DiscordGrainTest
{
    private static readonly ClusterException Lost = new(ErrorCode.UpstreamUnavailable, "The connection broke.");

    [Fact]
    public async Task Create_CategoryExists_IsUsed()
    {
        Add("1000", "Chats");

        await Create("turn");

        Assert.Equal("1000", Assert.Single(Created).ParentId);
        Assert.Single(Discord.Categories);
    }

    [Fact]
    public async Task Create_ConcurrentCallsWithTwoListeners_CreateOneCategory()
    {
        await Task.WhenAll(Enumerable.Range(0, 40).Select(n => Create($"turn{n}", listener: n % 2 == 0 ? "l1" : "l2")));

        var category = Assert.Single(Discord.Categories);
        Assert.Equal(("chats", null), (category.Name, category.Topic));
        Assert.Equal(40, Created.Count(channel => channel.ParentId == category.Id));
        Assert.Equal(1, Discord.ListCount);
    }

    [Fact]
    public async Task Create_CategoryFull_UsesTheNext()
    {
        await Task.WhenAll(Enumerable.Range(0, 120).Select(n => Create($"turn{n}")));

        Assert.Equal(["chats", "chats 2", "chats 3"], Discord.Categories.Select(category => category.Name));
        Assert.Equal([50, 50, 20], Discord.Categories.Select(category => Created.Count(channel => channel.ParentId == category.Id)));
    }

    [Fact]
    public async Task Create_CategoryFullOfChannelsOfOthers_UsesTheNext()
    {
        Add("1000", "chats");
        await Create("turn", listener: "l1");
        for (var n = 0; n < 49; n++) Add($"{1001 + n}", $"c{n}", parent: "1000");

        await Task.WhenAll(Enumerable.Range(0, 10).Select(n => Create($"more{n}", listener: "l2")));

        Assert.Equal(2, Discord.Categories.Count);
        var second = Discord.Categories.Single(category => category.Name == "chats 2");
        Assert.Equal(10, Created.Count(channel => channel.ParentId == second.Id));
    }

    [Fact]
    public async Task Create_FirstCategoryHasRoomAgain_UsesTheFirst()
    {
        Discord.MaxInCategory = 1;
        var first = await Create("one");
        await Create("two");
        Discord.Channels.TryRemove(first, out _);

        await Create("three");

        Assert.Equal(["chats", "chats 2"], Discord.Categories.Select(category => category.Name));
    }

    [Fact]
    public async Task Create_CategoryWasDeleted_CreatesItAgain()
    {
        await Create("one");
        Discord.Channels.TryRemove(Assert.Single(Discord.Categories).Id, out _);

        await Create("two");

        Assert.Equal(Assert.Single(Discord.Categories).Id, Created.MaxBy(channel => int.Parse(channel.Id, CultureInfo.InvariantCulture))!.ParentId);
    }

    [Fact]
    public async Task Create_OwnedCategoryWasRenamed_IsStillUsed()
    {
        await Create("one");
        var category = Assert.Single(Discord.Categories);
        Discord.Channels[category.Id] = category with { Name = "talks" };
        await Crash();

        await Create("two");

        Assert.Equal("talks", Assert.Single(Discord.Categories).Name);
    }

    [Fact]
    public async Task Create_ResponseToTheCategoryWasLost_FindsTheCategory()
    {
        Discord.LostResponses.Enqueue(Lost);
        await Assert.ThrowsAsync<ClusterException>(() => Create("one"));

        await Create("two");

        Assert.Equal(Assert.Single(Discord.Categories).Id, Assert.Single(Created).ParentId);
    }

    [Fact]
    public async Task Create_ResponseLostAndCategoryAppearsLate_WaitsForTheCategory()
    {
        Discord.LostResponses.Enqueue(Lost);
        await Assert.ThrowsAsync<ClusterException>(() => Create("one"));
        var late = Assert.Single(Discord.Categories);
        Discord.Channels.TryRemove(late.Id, out _);

        var lists = Discord.ListCount;
        var creating = Create("two");
        await Until(() => Discord.ListCount > lists);
        Discord.Channels[late.Id] = late;
        await Silo.PassUntil(() => creating.IsCompleted);

        await creating;
        Assert.Equal(late.Id, Assert.Single(Created).ParentId);
        Assert.Single(Discord.Categories);
    }

    [Fact]
    public async Task Create_ResponseLostAndNoCategoryAppears_CreatesIt()
    {
        Discord.LostResponses.Enqueue(Lost);
        await Assert.ThrowsAsync<ClusterException>(() => Create("one"));
        Discord.Channels.Clear();

        var creating = Create("two");
        await Silo.PassUntil(() => creating.IsCompleted);

        await creating;
        Assert.Single(Discord.Categories);
    }

    [Fact]
    public async Task Create_NodeFailsDuringTheCreation_NextNodeFindsTheCategory()
    {
        var response = new TaskCompletionSource();
        Discord.ResponseDelay = response.Task;
        var failing = Create("one");
        await Until(() => Discord.Categories.Count == 1);
        await Crash();
        Discord.ResponseDelay = Task.CompletedTask;

        await Create("two");

        Assert.Equal(Assert.Single(Discord.Categories).Id, Assert.Single(Created).ParentId);
        response.SetResult();
        await failing;
    }

    [Fact]
    public async Task Create_CategoryRejected_FailsAndTheNextCallSucceeds()
    {
        Discord.CreateErrors.Enqueue(new ClusterException(ErrorCode.UpstreamForbidden, "The listener lacks a permission."));
        Assert.Equal(ErrorCode.UpstreamForbidden, (await Assert.ThrowsAsync<ClusterException>(() => Create("one"))).Code);

        await Create("two");

        Assert.Single(Discord.Categories);
    }

    [Fact]
    public async Task Create_ServerFullBeforeTheCategoryExists_DeletesAReleasedChannel()
    {
        Discord.MaxChannels = 2;
        var old = await Task.WhenAll(Create("old", category: null), Create("older", category: null));
        foreach (var id in old) await Janitor("l1").Release(id, TimeSpan.FromHours(1));

        await Create("new");

        Assert.Equal(Assert.Single(Discord.Categories).Id, Assert.Single(Created).ParentId);
        Assert.Equal(ErrorCode.UpstreamFailed, (await Assert.ThrowsAsync<ClusterException>(() => Create("newer"))).Code);
    }

    [Fact]
    public async Task Release_LastChannel_KeepsTheCategory()
    {
        await Janitor("l1").Release(await Create("turn"), TimeSpan.Zero);

        await Silo.PassUntil(() => !Created.Any());
        Assert.Single(Discord.Categories);
    }

    private IEnumerable<DiscordChannelInfo> Created => Discord.Channels.Values.Where(channel => channel.Kind == 0 && channel.Topic is not null);

    private IChannelJanitorGrain Janitor(string listener) => Silo.Grains.GetGrain<IChannelJanitorGrain>(GrainKeys.ChannelJanitor(listener));

    private void Add(string id, string name, string? parent = null) =>
        Discord.Channels[id] = new DiscordChannelInfo(id, name, parent, parent is null ? 4 : 0, null);

    private Task<string> Create(string owner, string listener = "l1", string? category = "chats") =>
        Janitor(listener).Create(new DiscordChannelRequest(owner, "chat", null, IsThread: false, TimeSpan.FromHours(1), category));

    /// <summary>Waits without moving the clock.</summary>
    private async Task Until(Func<bool> condition)
    {
        for (var i = 0; i < 1_000 && !condition(); i++)
        {
            await Silo.LetGrainsRun();
            await Task.Delay(1);
        }
        Assert.True(condition());
    }
}
