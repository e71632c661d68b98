using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Discord.Tests;

/// <summary>Which channels conversations use, and when these are deleted.</summary>
public sealed class ChannelTests
{
    [Fact]
    public async Task Fresh_conversation_has_its_own_channel_in_the_category_until_it_ends()
    {
        await using var silo = await DiscordSilo.Start(bots: DiscordSilo.Bot("b1", ("category_id", DiscordSilo.Guild.CategoryId), ("name", "ask")));
        var turn = await silo.Begin("x [[pace=200ms]]");
        await turn.UntilText("You");

        var channel = Assert.Single(silo.CreatedChannels);
        Assert.Equal((0, DiscordSilo.Guild.CategoryId), (channel.Type, channel.ParentId));
        Assert.StartsWith("ask-", channel.Name, StringComparison.Ordinal);

        await turn.UntilComplete();
        await silo.UntilChannelsDeleted();
    }

    [Fact]
    public async Task Thread_conversation_has_a_thread_in_the_channel_until_it_ends()
    {
        await using var silo = await DiscordSilo.Start(bots: DiscordSilo.Bot("b1", ("channel", "thread"), ("channel_id", DiscordSilo.Guild.GeneralId)));
        var turn = await silo.Begin("x [[pace=200ms]]");
        await turn.UntilText("You");

        var thread = Assert.Single(silo.CreatedChannels);
        Assert.Equal((11, DiscordSilo.Guild.GeneralId), (thread.Type, thread.ParentId));

        await turn.UntilComplete();
        await silo.UntilChannelsDeleted();
    }

    [Theory]
    [InlineData("fixed")]
    [InlineData("named")]
    public async Task Conversations_that_share_a_channel_receive_only_their_own_replies(string mode)
    {
        var bot = mode == "fixed"
            ? DiscordSilo.Bot("b1", ("channel", "fixed"), ("channel_id", DiscordSilo.Guild.FixedId))
            : DiscordSilo.Bot("b1", ("channel", "named"), ("name", "everybody"));
        await using var silo = await DiscordSilo.Start(bots: bot);

        var turns = await Task.WhenAll(Enumerable.Range(0, 6).Select(n => silo.Begin($"x [[say=\"{Text(n)}\" chunks=8 pace=15ms]]")));

        for (var n = 0; n < 6; n++) Assert.Equal(Text(n), await turns[n].UntilComplete());
        Assert.Single(silo.Posts.Select(post => post.ChannelId).Distinct());
        Assert.Equal(mode == "fixed" ? 0 : 1, silo.CreatedChannels.Count);

        static string Text(int n) => new((char)('a' + n), 1_500);
    }

    [Fact]
    public async Task Prompts_of_several_messages_by_one_account_do_not_mix_in_a_shared_channel()
    {
        var bot = DiscordSilo.Bot("b1", ("channel", "fixed"), ("channel_id", DiscordSilo.Guild.FixedId)) with { Accounts = ["a1"] };
        await using var silo = await DiscordSilo.Start(bots: bot);

        var turns = await Task.WhenAll(Enumerable.Range(0, 3).Select(n => silo.Begin($"[[full]] {string.Join(' ', Words(n))}")));

        for (var n = 0; n < 3; n++)
        {
            var words = (await turns[n].UntilComplete()).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(Words(n), words.Where(word => word.StartsWith("word", StringComparison.Ordinal)));
        }

        static IEnumerable<string> Words(int n) => Enumerable.Range(1, 700).Select(word => $"word{n}.{word}");
    }

    [Fact]
    public async Task Named_conversation_continues_in_its_channel_with_new_messages_only()
    {
        await using var silo = await DiscordSilo.Start();
        await (await silo.Run("My name is Ada", conversation: "chat")).UntilComplete();
        await (await silo.Run("What is my name?", conversation: "chat")).UntilComplete();

        Assert.Equal($"<@{DiscordSilo.CozeBot.Id}> What is my name?", silo.Posts[1].Detail);
        Assert.Equal(silo.Posts[0].ChannelId, silo.Posts[1].ChannelId);
        Assert.Equal(silo.Posts[0].ChannelId, Assert.Single(silo.CreatedChannels).Id);
    }

    [Fact]
    public async Task Named_conversation_can_keep_its_channel_for_longer_than_a_timer_can_run()
    {
        await using var silo = await DiscordSilo.Start(bots: DiscordSilo.Bot("b1", ("keep_for", "365d")));

        await (await silo.Run("x", conversation: "chat")).UntilComplete();

        Assert.Single(silo.CreatedChannels);
    }

    [Fact]
    public async Task Named_conversation_whose_channel_was_deleted_continues_in_another_one_with_its_history()
    {
        await using var silo = await DiscordSilo.Start();
        await (await silo.Run("My name is Ada", conversation: "chat")).UntilComplete();
        var listener = silo.Listener();
        await silo.Api.DeleteChannel(listener, Assert.Single(silo.CreatedChannels).Id, CancellationToken.None);

        await (await silo.Run("What is my name?", conversation: "chat")).UntilComplete();

        Assert.Contains("User: My name is Ada", silo.Posts[^1].Detail, StringComparison.Ordinal);
        Assert.Contains("User: What is my name?", silo.Posts[^1].Detail, StringComparison.Ordinal);
        Assert.Equal(silo.Posts[^1].ChannelId, Assert.Single(silo.CreatedChannels).Id);
    }

    [Fact]
    public async Task Full_server_deletes_the_channel_of_the_conversation_that_was_unused_longest_which_later_continues_with_its_history()
    {
        await using var silo = await DiscordSilo.Start();
        await (await silo.Run("My name is Ada", conversation: "oldest")).UntilComplete();
        await (await silo.Run("Hello", conversation: "newer")).UntilComplete();
        var listener = silo.Listener();
        var filler = new DiscordChannelInfo("", "filler", null, 0, null);
        while ((await silo.Api.CreateChannel(listener, filler, CancellationToken.None)).Result == ChannelCreationResult.Created)
        {
        }

        await (await silo.Run("Hello")).UntilComplete();
        Assert.DoesNotContain(silo.CreatedChannels, channel => channel.Id == silo.Posts[0].ChannelId);
        Assert.Contains(silo.CreatedChannels, channel => channel.Id == silo.Posts[1].ChannelId);

        await (await silo.Run("What is my name?", conversation: "oldest")).UntilComplete();
        Assert.Contains("User: My name is Ada", silo.Posts[^1].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chosen_channel_is_used_and_kept()
    {
        await using var silo = await DiscordSilo.Start();

        await (await silo.Run(DiscordSilo.Request("x") with { Channel = $"{DiscordSilo.Guild.Id}/{DiscordSilo.Guild.GeneralId}" })).UntilComplete();

        Assert.Equal(DiscordSilo.Guild.GeneralId, Assert.Single(silo.Posts).ChannelId);
        Assert.Empty(silo.Discord.Records.Of(DiscordRecordKind.ChannelCreated));
        Assert.Empty(silo.Discord.Records.Of(DiscordRecordKind.ChannelDeleted));
    }

    [Fact]
    public async Task Chosen_channel_of_another_server_is_refused()
    {
        await using var silo = await DiscordSilo.Start();
        var other = DiscordSeeds.Guilds[1];

        var turn = await silo.Begin(DiscordSilo.Request("x") with { Channel = $"{other.Id}/{other.GeneralId}" });

        Assert.Equal(ErrorCode.InvalidRequest, ((ReplyFailed)await turn.UntilEnd()).Error.Code);
        Assert.Empty(silo.Posts);
    }

    [Fact]
    public async Task Rejected_account_is_replaced_by_another_one_and_leaves_no_channel()
    {
        await using var silo = await DiscordSilo.Start();
        silo.Discord.DemandVerification(DiscordSeeds.Accounts[0].Id);
        silo.Discord.RevokeToken(DiscordSeeds.Accounts[1].Id);

        await (await silo.Run("x")).UntilComplete();

        Assert.Equal(DiscordSeeds.Accounts[2].Id, Assert.Single(silo.Posts).UserId);
        await silo.UntilChannelsDeleted();
    }

    [Fact]
    public async Task Prompt_that_failed_halfway_is_posted_from_the_start_by_another_account()
    {
        await using var silo = await DiscordSilo.Start();
        FailSecondPost(silo, DiscordSeeds.Accounts[0].Id);
        var text = string.Join(' ', Enumerable.Range(1, 500).Select(n => $"word{n}"));

        await (await silo.Run(text)).UntilComplete();

        var posts = silo.Posts;
        Assert.Equal([DiscordSeeds.Accounts[0].Id, DiscordSeeds.Accounts[1].Id, DiscordSeeds.Accounts[1].Id], posts.Select(post => post.UserId));
        Assert.NotEqual(posts[0].ChannelId, posts[1].ChannelId);
        await silo.UntilChannelsDeleted();
    }

    [Fact]
    public async Task Prompt_that_failed_halfway_in_a_shared_channel_is_deleted()
    {
        await using var silo = await DiscordSilo.Start(bots: DiscordSilo.Bot("b1", ("channel", "fixed"), ("channel_id", DiscordSilo.Guild.FixedId)));
        FailSecondPost(silo, DiscordSeeds.Accounts[0].Id);
        var text = string.Join(' ', Enumerable.Range(1, 500).Select(n => $"word{n}"));

        await (await silo.Run(text)).UntilComplete();

        Assert.Equal(silo.Posts[0].MessageId, Assert.Single(silo.Discord.Records.Of(DiscordRecordKind.MessageDeleted)).MessageId);
    }

    [Fact]
    public async Task Cancelled_turn_leaves_no_channel()
    {
        await using var silo = await DiscordSilo.Start();
        var turn = await silo.Begin("x [[pace=10s chunks=3 length=900]]");
        await turn.Until(received => received.Text.Length > 0, "text");

        await turn.Grain.Cancel(DiscordSilo.Tenant, turn.Id);

        Assert.Equal(ErrorCode.Cancelled, ((ReplyFailed)await turn.UntilEnd()).Error.Code);
        await silo.UntilChannelsDeleted();
    }

    [Fact]
    public async Task Channel_is_kept_if_the_bot_says_so()
    {
        await using var silo = await DiscordSilo.Start(bots: DiscordSilo.Bot("b1", ("delete_after", "never")));

        await (await silo.Run("x")).UntilComplete();
        await (await silo.Run("x")).UntilComplete();

        Assert.Equal(2, silo.CreatedChannels.Count);
    }

    [Fact]
    public async Task Full_category_does_not_stop_conversations()
    {
        var bot = DiscordSilo.Bot("b1", ("category_id", DiscordSilo.Guild.CategoryId), ("delete_after", "never"));
        await using var silo = await DiscordSilo.Start(bots: bot);
        var listener = silo.Listener();
        for (var n = 0; n < 50; n++)
        {
            await silo.Api.CreateChannel(listener, new DiscordChannelInfo("", $"c{n}", DiscordSilo.Guild.CategoryId, 0, null), CancellationToken.None);
        }

        await (await silo.Run("x")).UntilComplete();

        Assert.Null(silo.CreatedChannels.Single(channel => channel.Name.StartsWith("chat-", StringComparison.Ordinal)).ParentId);
    }

    [Fact]
    public async Task Named_category_is_created_once_for_all_listeners_and_kept()
    {
        var bots = DiscordSeeds.Listeners.Select((_, n) => DiscordSilo.Bot($"b{n + 1}", ("category", "Our chats"), ("listener", $"l{n + 1}")));
        await using var silo = await DiscordSilo.Start(bots: [.. bots]);
        var turns = await Task.WhenAll(Enumerable.Range(0, 6).Select(n => silo.Begin($"x{n} [[pace=200ms]]", "all")));
        foreach (var turn in turns) await turn.UntilText("You");

        var category = Assert.Single(silo.CreatedChannels, channel => channel.Type == 4);
        Assert.Equal("Our chats", category.Name);
        Assert.All(silo.CreatedChannels.Where(channel => channel.Type == 0), channel => Assert.Equal(category.Id, channel.ParentId));

        foreach (var turn in turns) await turn.UntilComplete();
        await Until.True(() => silo.CreatedChannels.Count == 1, "the deletion of channels");
        Assert.Equal(category, Assert.Single(silo.CreatedChannels));
    }

    [Fact]
    public async Task Missing_category_id_fails_the_turn_with_an_error_that_names_it()
    {
        await using var silo = await DiscordSilo.Start(bots: DiscordSilo.Bot("b1", ("category_id", "42")));

        var failed = Assert.IsType<ReplyFailed>(await (await silo.Begin("x")).UntilEnd());

        Assert.Contains("no category 42", failed.Error.Message, StringComparison.Ordinal);
    }

    /// <summary>The first post of the account succeeds, the second is rejected.</summary>
    private static void FailSecondPost(DiscordSilo silo, string userId)
    {
        silo.Discord.Fail(new RestFault { Kind = RestFaultKind.DelayAnswer, Route = "POST /channels/", UserId = userId, Wait = TimeSpan.FromMilliseconds(1) });
        silo.Discord.Fail(new RestFault { Kind = RestFaultKind.Status, Status = 403, Route = "POST /channels/", UserId = userId });
    }
}
