using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Discord.Tests;

/// <summary>Where conversations are held, and what is left of that.</summary>
public sealed class ChannelTests
{
    [Fact]
    public async Task Fresh_conversation_has_a_channel_of_its_own_in_the_category_until_it_ends()
    {
        await using var house = await DiscordHouse.Start(bots: DiscordHouse.Bot("b1", ("category_id", DiscordHouse.Guild.CategoryId), ("name", "ask")));
        var turn = await house.Begin("x [[pace=200ms]]");
        await turn.UntilText("You");

        var channel = Assert.Single(house.Made);
        Assert.Equal((0, DiscordHouse.Guild.CategoryId), (channel.Type, channel.ParentId));
        Assert.StartsWith("ask-", channel.Name, StringComparison.Ordinal);

        await turn.UntilComplete();
        await house.UntilTidy();
    }

    [Fact]
    public async Task Thread_hangs_on_its_channel_until_the_conversation_ends()
    {
        await using var house = await DiscordHouse.Start(bots: DiscordHouse.Bot("b1", ("channel", "thread"), ("channel_id", DiscordHouse.Guild.GeneralId)));
        var turn = await house.Begin("x [[pace=200ms]]");
        await turn.UntilText("You");

        var thread = Assert.Single(house.Made);
        Assert.Equal((11, DiscordHouse.Guild.GeneralId), (thread.Type, thread.ParentId));

        await turn.UntilComplete();
        await house.UntilTidy();
    }

    [Theory]
    [InlineData("fixed")]
    [InlineData("named")]
    public async Task Conversations_that_share_a_channel_do_not_cross(string mode)
    {
        var bot = mode == "fixed"
            ? DiscordHouse.Bot("b1", ("channel", "fixed"), ("channel_id", DiscordHouse.Guild.FixedId))
            : DiscordHouse.Bot("b1", ("channel", "named"), ("name", "everybody"));
        await using var house = await DiscordHouse.Start(bots: bot);

        var turns = await Task.WhenAll(Enumerable.Range(0, 6).Select(n => house.Begin($"x [[say=\"{new string((char)('a' + n), 1_500)}\" chunks=8 pace=15ms]]")));

        for (var n = 0; n < 6; n++) Assert.Equal(new string((char)('a' + n), 1_500), await turns[n].UntilComplete());
        Assert.Single(house.Posts.Select(post => post.ChannelId).Distinct());
        Assert.Equal(mode == "fixed" ? 0 : 1, house.Made.Count);
    }

    [Fact]
    public async Task Prompts_of_several_messages_by_one_account_are_not_mixed_in_a_shared_channel()
    {
        await using var house = await DiscordHouse.Start(bots: DiscordHouse.Bot("b1", ("channel", "fixed"), ("channel_id", DiscordHouse.Guild.FixedId)) with { Accounts = ["a1"] });

        var turns = await Task.WhenAll(Enumerable.Range(0, 3).Select(n => house.Begin($"[[full]] {string.Join(' ', Enumerable.Range(1, 700).Select(word => $"word{n}.{word}"))}")));

        for (var n = 0; n < 3; n++)
        {
            var words = (await turns[n].UntilComplete()).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Where(word => word.StartsWith("word", StringComparison.Ordinal)).ToList();
            Assert.Equal(Enumerable.Range(1, 700).Select(word => $"word{n}.{word}"), words);
        }
    }

    [Fact]
    public async Task Named_conversation_goes_on_in_its_channel_with_what_is_new()
    {
        await using var house = await DiscordHouse.Start();
        await (await house.Run("My name is Ada", conversation: "chat")).UntilComplete();
        await (await house.Run("What is my name?", conversation: "chat")).UntilComplete();

        Assert.Equal($"<@{DiscordHouse.CozeBot.Id}> What is my name?", house.Posts[1].Detail);
        Assert.Equal(house.Posts[0].ChannelId, house.Posts[1].ChannelId);
        Assert.Equal(house.Posts[0].ChannelId, Assert.Single(house.Made).Id);
    }

    [Fact]
    public async Task Named_conversation_may_keep_its_channel_for_longer_than_a_timer_can_run()
    {
        await using var house = await DiscordHouse.Start(bots: DiscordHouse.Bot("b1", ("keep_for", "365d")));

        await (await house.Run("x", conversation: "chat")).UntilComplete();

        Assert.Single(house.Made);
    }

    [Fact]
    public async Task Named_conversation_whose_channel_is_gone_goes_on_in_another_with_its_history()
    {
        await using var house = await DiscordHouse.Start();
        await (await house.Run("My name is Ada", conversation: "chat")).UntilComplete();
        var listener = await house.Grains.GetGrain<ICatalogGrain>(GrainKeys.Catalog).FindListener("l1");
        await house.Port.DeleteChannel(listener!, Assert.Single(house.Made).Id, CancellationToken.None);

        await (await house.Run("What is my name?", conversation: "chat")).UntilComplete();

        Assert.Contains("User: My name is Ada", house.Posts[^1].Detail, StringComparison.Ordinal);
        Assert.Contains("User: What is my name?", house.Posts[^1].Detail, StringComparison.Ordinal);
        Assert.Equal(house.Posts[^1].ChannelId, Assert.Single(house.Made).Id);
    }

    [Fact]
    public async Task Server_that_is_full_gives_up_the_channel_of_the_conversation_longest_unused_which_goes_on_later_with_its_history()
    {
        await using var house = await DiscordHouse.Start();
        await (await house.Run("My name is Ada", conversation: "oldest")).UntilComplete();
        await (await house.Run("Hello", conversation: "newer")).UntilComplete();
        var listener = (await house.Grains.GetGrain<ICatalogGrain>(GrainKeys.Catalog).FindListener("l1"))!;
        while ((await house.Port.CreateChannel(listener, new DiscordChannelInfo("", "full", null, 0, null), CancellationToken.None)).Result == ChannelCreationResult.Created)
        {
        }

        await (await house.Run("Hello")).UntilComplete();
        Assert.DoesNotContain(house.Made, channel => channel.Id == house.Posts[0].ChannelId);
        Assert.Contains(house.Made, channel => channel.Id == house.Posts[1].ChannelId);

        await (await house.Run("What is my name?", conversation: "oldest")).UntilComplete();
        Assert.Contains("User: My name is Ada", house.Posts[^1].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Account_that_is_refused_is_followed_by_another_and_leaves_nothing()
    {
        await using var house = await DiscordHouse.Start();
        house.Discord.DemandVerification(DiscordSeeds.Accounts[0].Id);
        house.Discord.RevokeToken(DiscordSeeds.Accounts[1].Id);

        await (await house.Run("x")).UntilComplete();

        Assert.Equal(DiscordSeeds.Accounts[2].Id, Assert.Single(house.Posts).UserId);
        await house.UntilTidy();
    }

    [Fact]
    public async Task Prompt_half_sent_is_not_gone_on_with_by_another_account()
    {
        await using var house = await DiscordHouse.Start();
        FailSecondPost(house, DiscordSeeds.Accounts[0].Id);
        var text = string.Join(' ', Enumerable.Range(1, 500).Select(n => $"word{n}"));

        await (await house.Run(text)).UntilComplete();

        var posts = house.Posts;
        Assert.Equal([DiscordSeeds.Accounts[0].Id, DiscordSeeds.Accounts[1].Id, DiscordSeeds.Accounts[1].Id], posts.Select(post => post.UserId));
        Assert.NotEqual(posts[0].ChannelId, posts[1].ChannelId);
        await house.UntilTidy();
    }

    [Fact]
    public async Task Prompt_half_sent_to_a_shared_channel_is_taken_back()
    {
        await using var house = await DiscordHouse.Start(bots: DiscordHouse.Bot("b1", ("channel", "fixed"), ("channel_id", DiscordHouse.Guild.FixedId)));
        FailSecondPost(house, DiscordSeeds.Accounts[0].Id);
        var text = string.Join(' ', Enumerable.Range(1, 500).Select(n => $"word{n}"));

        await (await house.Run(text)).UntilComplete();

        Assert.Equal(house.Posts[0].MessageId, Assert.Single(house.Discord.Records.Of(DiscordRecordKind.MessageDeleted)).MessageId);
    }

    [Fact]
    public async Task Cancelled_turn_leaves_no_channel()
    {
        await using var house = await DiscordHouse.Start();
        var turn = await house.Begin("x [[pace=10s chunks=3 length=900]]");
        await turn.Until(heard => heard.Text.Length > 0, "text");

        await turn.Grain.Cancel(DiscordHouse.Tenant, turn.Id);

        Assert.Equal(ErrorCode.Cancelled, ((ReplyFailed)await turn.UntilEnd()).Error.Code);
        await house.UntilTidy();
    }

    [Fact]
    public async Task Channel_stays_where_the_bot_says_so()
    {
        await using var house = await DiscordHouse.Start(bots: DiscordHouse.Bot("b1", ("delete_after", "never")));

        await (await house.Run("x")).UntilComplete();
        await (await house.Run("x")).UntilComplete();

        Assert.Equal(2, house.Made.Count);
    }

    [Fact]
    public async Task Category_that_is_full_does_not_stop_conversations()
    {
        await using var house = await DiscordHouse.Start(bots: DiscordHouse.Bot("b1", ("category_id", DiscordHouse.Guild.CategoryId), ("delete_after", "never")));
        var listener = (await house.Grains.GetGrain<ICatalogGrain>(GrainKeys.Catalog).FindListener("l1"))!;
        for (var n = 0; n < 50; n++) await house.Port.CreateChannel(listener, new DiscordChannelInfo("", $"c{n}", DiscordHouse.Guild.CategoryId, 0, null), CancellationToken.None);

        await (await house.Run("x")).UntilComplete();

        Assert.Null(house.Made.Single(channel => channel.Name.StartsWith("chat-", StringComparison.Ordinal)).ParentId);
    }

    [Fact]
    public async Task Category_of_a_name_is_made_once_whichever_listener_needs_it_and_stays()
    {
        var bots = DiscordSeeds.Listeners.Select((_, n) => DiscordHouse.Bot($"b{n + 1}", ("category", "Our chats"), ("listener", $"l{n + 1}"))).ToArray();
        await using var house = await DiscordHouse.Start(bots: bots);
        var turns = await Task.WhenAll(Enumerable.Range(0, 6).Select(n => house.Begin($"x{n} [[pace=200ms]]", "all")));
        foreach (var turn in turns) await turn.UntilText("You");

        var category = Assert.Single(house.Made, channel => channel.Type == 4);
        Assert.Equal("Our chats", category.Name);
        Assert.All(house.Made.Where(channel => channel.Type == 0), channel => Assert.Equal(category.Id, channel.ParentId));

        foreach (var turn in turns) await turn.UntilComplete();
        await Until.True(() => house.Made.Count == 1, "channels to go");
        Assert.Equal(category, Assert.Single(house.Made));
    }

    [Fact]
    public async Task Category_id_that_is_gone_fails_the_turn_with_a_word_on_it()
    {
        await using var house = await DiscordHouse.Start(bots: DiscordHouse.Bot("b1", ("category_id", "42")));

        var failed = Assert.IsType<ReplyFailed>(await (await house.Begin("x")).UntilEnd());

        Assert.Contains("no category 42", failed.Error.Message, StringComparison.Ordinal);
    }

    /// <summary>The first post of the account goes through, the second is refused.</summary>
    private static void FailSecondPost(DiscordHouse house, string userId)
    {
        house.Discord.Fail(new RestFault { Kind = RestFaultKind.DelayAnswer, Route = "POST /channels/", UserId = userId, Wait = TimeSpan.FromMilliseconds(1) });
        house.Discord.Fail(new RestFault { Kind = RestFaultKind.Status, Status = 403, Route = "POST /channels/", UserId = userId });
    }
}
