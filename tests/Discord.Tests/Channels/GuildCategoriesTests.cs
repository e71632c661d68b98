using System.Globalization;
using CozeCluster.Grains.Testing;

namespace CozeCluster.Discord.Tests;

/// <summary>Channels that are made in a category of some name, which is found or made.</summary>
public sealed class GuildCategoriesTests : DiscordGrainTest
{
    private static readonly ClusterException Lost = new(ErrorCode.UpstreamUnavailable, "The connection broke.");

    [Fact]
    public async Task Create_CategoryThere_IsUsed()
    {
        Add("1000", "Chats");

        await Create("turn");

        Assert.Equal("1000", Assert.Single(Made).ParentId);
        Assert.Single(Discord.Categories);
    }

    [Fact]
    public async Task Create_ManyAtOnceOverTwoListeners_MakesOneCategory()
    {
        await Task.WhenAll(Enumerable.Range(0, 40).Select(n => Create($"turn{n}", listener: n % 2 == 0 ? "l1" : "l2")));

        var category = Assert.Single(Discord.Categories);
        Assert.Equal(("chats", null), (category.Name, category.Topic));
        Assert.Equal(40, Made.Count(channel => channel.ParentId == category.Id));
        Assert.Equal(1, Discord.Lists);
    }

    [Fact]
    public async Task Create_CategoryFull_GoesOnInTheNext()
    {
        await Task.WhenAll(Enumerable.Range(0, 120).Select(n => Create($"turn{n}")));

        Assert.Equal(["chats", "chats 2", "chats 3"], Discord.Categories.Select(category => category.Name));
        Assert.Equal([50, 50, 20], Discord.Categories.Select(category => Made.Count(channel => channel.ParentId == category.Id)));
    }

    [Fact]
    public async Task Create_CategoryFullOfChannelsOfOthers_GoesOnInTheNext()
    {
        Add("1000", "chats");
        await Create("turn", listener: "l1");
        for (var n = 0; n < 49; n++) Add($"{1001 + n}", $"c{n}", parent: "1000");

        await Task.WhenAll(Enumerable.Range(0, 10).Select(n => Create($"more{n}", listener: "l2")));

        Assert.Equal(2, Discord.Categories.Count);
        Assert.Equal(10, Made.Count(channel => channel.ParentId == Discord.Categories.Single(category => category.Name == "chats 2").Id));
    }

    [Fact]
    public async Task Create_NextIsFullAndTheFirstIsNotAnyMore_GoesBackToTheFirst()
    {
        Discord.MostInCategory = 1;
        var first = await Create("one");
        await Create("two");
        Discord.Channels.TryRemove(first, out _);

        await Create("three");

        Assert.Equal(["chats", "chats 2"], Discord.Categories.Select(category => category.Name));
    }

    [Fact]
    public async Task Create_CategoryDeletedMeanwhile_MakesItAgain()
    {
        await Create("one");
        Discord.Channels.TryRemove(Assert.Single(Discord.Categories).Id, out _);

        await Create("two");

        Assert.Equal(Assert.Single(Discord.Categories).Id, Made.MaxBy(channel => int.Parse(channel.Id, CultureInfo.InvariantCulture))!.ParentId);
    }

    [Fact]
    public async Task Create_CategoryOfOursHasAnotherNameNow_IsStillUsed()
    {
        await Create("one");
        var category = Assert.Single(Discord.Categories);
        Discord.Channels[category.Id] = category with { Name = "talks" };
        await Crash();

        await Create("two");

        Assert.Equal("talks", Assert.Single(Discord.Categories).Name);
    }

    [Fact]
    public async Task Create_AnswerOfTheCategoryLost_IsFoundNotMadeTwice()
    {
        Discord.LostAnswers.Enqueue(Lost);
        await Assert.ThrowsAsync<ClusterException>(() => Create("one"));

        await Create("two");

        Assert.Equal(Assert.Single(Discord.Categories).Id, Assert.Single(Made).ParentId);
    }

    [Fact]
    public async Task Create_AnswerLostAndCategoryAppearsLate_IsAwaitedNotMadeTwice()
    {
        Discord.LostAnswers.Enqueue(Lost);
        await Assert.ThrowsAsync<ClusterException>(() => Create("one"));
        var late = Assert.Single(Discord.Categories);
        Discord.Channels.TryRemove(late.Id, out _);

        var lists = Discord.Lists;
        var creating = Create("two");
        await Until(() => Discord.Lists > lists);
        Discord.Channels[late.Id] = late;
        await Silo.PassUntil(() => creating.IsCompleted);

        await creating;
        Assert.Equal(late.Id, Assert.Single(Made).ParentId);
        Assert.Single(Discord.Categories);
    }

    [Fact]
    public async Task Create_AnswerLostAndNothingAppears_IsMade()
    {
        Discord.LostAnswers.Enqueue(Lost);
        await Assert.ThrowsAsync<ClusterException>(() => Create("one"));
        Discord.Channels.Clear();

        var creating = Create("two");
        await Silo.PassUntil(() => creating.IsCompleted);

        await creating;
        Assert.Single(Discord.Categories);
    }

    [Fact]
    public async Task Create_NodeDiesWhileTheCategoryIsMade_NextNodeFindsIt()
    {
        var answers = new TaskCompletionSource();
        Discord.Answers = answers.Task;
        var dying = Create("one");
        await Until(() => Discord.Categories.Count == 1);
        await Crash();
        Discord.Answers = Task.CompletedTask;

        await Create("two");

        Assert.Equal(Assert.Single(Discord.Categories).Id, Assert.Single(Made).ParentId);
        answers.SetResult();
        await dying;
    }

    [Fact]
    public async Task Create_CategoryRefused_SaysWhyAndTriesAtOnceWhenAskedAgain()
    {
        Discord.CreateRefusals.Enqueue(new ClusterException(ErrorCode.UpstreamForbidden, "The listener lacks a permission."));
        Assert.Equal(ErrorCode.UpstreamForbidden, (await Assert.ThrowsAsync<ClusterException>(() => Create("one"))).Code);

        await Create("two");

        Assert.Single(Discord.Categories);
    }

    [Fact]
    public async Task Create_ServerFullBeforeTheCategoryIsMade_RemovesWhatNobodyUses()
    {
        Discord.MostChannels = 2;
        foreach (var id in await Task.WhenAll(Create("old", category: null), Create("older", category: null)))
            await Janitor("l1").Release(id, TimeSpan.FromHours(1));

        await Create("new");

        Assert.Equal(Assert.Single(Discord.Categories).Id, Assert.Single(Made).ParentId);
        Assert.Equal(ErrorCode.UpstreamFailed, (await Assert.ThrowsAsync<ClusterException>(() => Create("newer"))).Code);
    }

    [Fact]
    public async Task Release_LastChannel_LeavesTheCategory()
    {
        await Janitor("l1").Release(await Create("turn"), TimeSpan.Zero);

        await Silo.PassUntil(() => !Made.Any());
        Assert.Single(Discord.Categories);
    }

    private IEnumerable<DiscordChannelInfo> Made => Discord.Channels.Values.Where(channel => channel.Kind == 0 && channel.Topic is not null);

    private IChannelJanitorGrain Janitor(string listener) => Silo.Grains.GetGrain<IChannelJanitorGrain>(GrainKeys.ChannelJanitor(listener));

    private void Add(string id, string name, string? parent = null) => Discord.Channels[id] = new DiscordChannelInfo(id, name, parent, parent is null ? 4 : 0, null);

    private Task<string> Create(string owner, string listener = "l1", string? category = "chats") =>
        Janitor(listener).Create(new DiscordChannelRequest(owner, "chat", null, IsThread: false, TimeSpan.FromHours(1), category));

    /// <summary>Waits without letting time pass.</summary>
    private async Task Until(Func<bool> condition)
    {
        for (var i = 0; i < 1_000 && !condition(); i++)
        {
            await Silo.Settle();
            await Task.Delay(1);
        }
        Assert.True(condition());
    }
}
