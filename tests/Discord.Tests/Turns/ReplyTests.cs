using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Discord.Tests;

/// <summary>What clients receive of replies on Discord.</summary>
public sealed class ReplyTests
{
    [Fact]
    public async Task Edits_are_streamed_and_buttons_end_the_reply()
    {
        await using var silo = await DiscordSilo.Start();
        var turn = await silo.Run("Hello [[chunks=6 pace=40ms labels=\"More|Less\"]]");

        var text = await turn.UntilComplete();

        Assert.StartsWith("You said: Hello", text, StringComparison.Ordinal);
        Assert.True(turn.Events.OfType<ReplyText>().Count() > 2, "The reply was not streamed.");
        Assert.Equal(["More", "Less"], turn.Items<FollowUpItem>().Select(item => item.Text));
        Assert.Equal((await silo.Finished()).Detail, text);
        await silo.UntilChannelsDeleted();
    }

    [Theory]
    [InlineData("length=1500 text=unicode chunks=9")]
    [InlineData("length=5000 chunks=12")]
    [InlineData("length=5000 text=unicode chunks=9 overflow=plain")]
    [InlineData("length=4100 chunks=2")]
    [InlineData("length=900 v2")]
    [InlineData("length=700 duplicate")]
    [InlineData("length=700 stale pace=30ms")]
    [InlineData("length=700 buttons_apart")]
    [InlineData("length=300 chunks=1")]
    [InlineData("say=\"<@1> who?\"")]
    public async Task Text_is_the_bots_text_in_one_part_that_only_grows(string script)
    {
        await using var silo = await DiscordSilo.Start();

        var turn = await silo.Run($"x [[{script}]]");

        Assert.Equal((await silo.Finished()).Detail, await turn.UntilComplete());
        Assert.Single(turn.Parts);
        Assert.Empty(turn.Events.OfType<ReplyRewritten>());
    }

    [Theory]
    [InlineData("length=900 chunks=6 rewrite=4 pace=40ms")]
    [InlineData("length=300 placeholder=Thinking… pace=100ms")]
    [InlineData("length=5000 chunks=12 rewrite=3 pace=40ms")]
    public async Task Changed_text_is_rewritten_and_complete_at_the_end(string script)
    {
        await using var silo = await DiscordSilo.Start();

        var turn = await silo.Run($"x [[{script}]]");

        Assert.Equal((await silo.Finished()).Detail, await turn.UntilComplete());
        Assert.NotEmpty(turn.Events.OfType<ReplyRewritten>());
    }

    [Theory]
    [InlineData("embed")]
    [InlineData("attachment")]
    public async Task Pictures_follow_the_text_once(string form)
    {
        await using var silo = await DiscordSilo.Start();

        var turn = await silo.Run($"x [[say=Here chunks=2 image={form} duplicate]]");

        Assert.Equal("Here", await turn.UntilComplete());
        Assert.Contains("/cdn/", Assert.Single(turn.Items<ImageItem>()).Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Picture_that_the_text_shows_is_not_repeated()
    {
        await using var silo = await DiscordSilo.Start();

        var turn = await silo.Run("x [[say=Here image=link]]");

        Assert.Contains("![sandbox](", await turn.UntilComplete(), StringComparison.Ordinal);
        Assert.Empty(turn.Items<ImageItem>());
    }

    [Theory]
    [InlineData("mention", "mention")]
    [InlineData("mention", "reply")]
    [InlineData("channel", "plain")]
    [InlineData("channel", "reply")]
    public async Task Replies_without_a_reference_are_recognized_as_the_bot_says(string recognise, string form)
    {
        await using var silo = await DiscordSilo.Start(bots: DiscordSilo.Bot("b1", ("recognise", recognise)));

        var turn = await silo.Run($"x [[length=3000 chunks=4 form={form} overflow=plain]]");

        Assert.Equal((await silo.Finished()).Detail, await turn.UntilComplete());
    }

    [Fact]
    public async Task Reply_that_is_faster_than_the_response_to_its_prompt_is_not_missed()
    {
        await using var silo = await DiscordSilo.Start();
        silo.Discord.Fail(new RestFault { Kind = RestFaultKind.DelayAnswer, Route = "POST /channels/", Wait = TimeSpan.FromMilliseconds(400) });

        var turn = await silo.Run("x [[say=Quick chunks=1 first_byte=0ms]]");

        Assert.Equal("Quick", await turn.UntilComplete());
    }

    [Fact]
    public async Task Origin_names_the_channel_and_the_prompt()
    {
        await using var silo = await DiscordSilo.Start();

        var turn = await silo.Run("x");

        await turn.UntilComplete();
        var post = Assert.Single(silo.Posts);
        Assert.Equal(("b1", "discord"), (turn.Origin!.BotId, turn.Origin.Upstream));
        var ids = turn.Origin.Ids;
        Assert.Equal((post.ChannelId, post.MessageId, post.UserId, "l1"), (ids["channel_id"], ids["message_id"], ids["user_id"], ids["listener"]));
    }

    [Fact]
    public async Task Deleted_reply_fails_the_turn()
    {
        await using var silo = await DiscordSilo.Start(bots: DiscordSilo.Bot("b1", ("end.cold_wait", "1500ms")));
        var turn = await silo.Begin("x [[say=\"Something to be seen at once\" chunks=1 buttons=0]]");
        await turn.UntilText("Something");
        var channel = Assert.Single(silo.CreatedChannels).Id;

        var reply = silo.Discord.MessagesOf(channel)[^1];
        await silo.Api.DeleteMessage(silo.Listener(), channel, reply.Id, CancellationToken.None);

        await turn.UntilEnd();
        Assert.Equal(ErrorCode.UpstreamFailed, turn.Error?.Code);
    }
}
