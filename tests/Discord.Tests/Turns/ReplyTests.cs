using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Discord.Tests;

/// <summary>What clients hear of replies on Discord.</summary>
public sealed class ReplyTests
{
    [Fact]
    public async Task Edits_stream_and_buttons_end_the_reply()
    {
        await using var house = await DiscordHouse.Start();
        var turn = await house.Run("Hello [[chunks=6 pace=40ms labels=\"More|Less\"]]");

        var text = await turn.UntilComplete();

        Assert.StartsWith("You said: Hello", text, StringComparison.Ordinal);
        Assert.True(turn.Events.OfType<ReplyText>().Count() > 2, "it was streamed");
        Assert.Equal(["More", "Less"], turn.Items<FollowUpItem>().Select(item => item.Text));
        Assert.Equal((await house.Finished()).Detail, text);
        await house.UntilTidy();
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
    public async Task Text_is_what_the_bot_wrote_in_one_part_that_only_grows(string script)
    {
        await using var house = await DiscordHouse.Start();

        var turn = await house.Run($"x [[{script}]]");

        Assert.Equal((await house.Finished()).Detail, await turn.UntilComplete());
        Assert.Single(turn.Parts);
        Assert.Empty(turn.Events.OfType<ReplyRewritten>());
    }

    [Theory]
    [InlineData("length=900 chunks=6 rewrite=4 pace=40ms")]
    [InlineData("length=300 placeholder=Thinking… pace=100ms")]
    [InlineData("length=5000 chunks=12 rewrite=3 pace=40ms")]
    public async Task Text_that_was_changed_is_rewritten_and_whole_in_the_end(string script)
    {
        await using var house = await DiscordHouse.Start();

        var turn = await house.Run($"x [[{script}]]");

        Assert.Equal((await house.Finished()).Detail, await turn.UntilComplete());
        Assert.NotEmpty(turn.Events.OfType<ReplyRewritten>());
    }

    [Theory]
    [InlineData("embed")]
    [InlineData("attachment")]
    public async Task Pictures_come_once_behind_the_text(string form)
    {
        await using var house = await DiscordHouse.Start();

        var turn = await house.Run($"x [[say=Here chunks=2 image={form} duplicate]]");

        Assert.Equal("Here", await turn.UntilComplete());
        Assert.Contains("/cdn/", Assert.Single(turn.Items<ImageItem>()).Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_picture_that_the_text_shows_is_not_told_again()
    {
        await using var house = await DiscordHouse.Start();

        var turn = await house.Run("x [[say=Here image=link]]");

        Assert.Contains("![sandbox](", await turn.UntilComplete(), StringComparison.Ordinal);
        Assert.Empty(turn.Items<ImageItem>());
    }

    [Theory]
    [InlineData("mention", "mention")]
    [InlineData("mention", "reply")]
    [InlineData("channel", "plain")]
    [InlineData("channel", "reply")]
    public async Task Replies_without_a_reference_are_known_as_the_bot_says(string recognise, string form)
    {
        await using var house = await DiscordHouse.Start(bots: DiscordHouse.Bot("b1", ("recognise", recognise)));

        var turn = await house.Run($"x [[length=3000 chunks=4 form={form} overflow=plain]]");

        Assert.Equal((await house.Finished()).Detail, await turn.UntilComplete());
    }

    [Fact]
    public async Task Reply_faster_than_the_answer_to_its_prompt_is_not_missed()
    {
        await using var house = await DiscordHouse.Start();
        house.Discord.Fail(new RestFault { Kind = RestFaultKind.DelayAnswer, Route = "POST /channels/", Wait = TimeSpan.FromMilliseconds(400) });

        var turn = await house.Run("x [[say=Quick chunks=1 first_byte=0ms]]");

        Assert.Equal("Quick", await turn.UntilComplete());
    }

    [Fact]
    public async Task Origin_names_the_channel_and_the_prompt()
    {
        await using var house = await DiscordHouse.Start();

        var turn = await house.Run("x");

        await turn.UntilComplete();
        var post = Assert.Single(house.Posts);
        Assert.Equal(("b1", "discord"), (turn.Origin!.BotId, turn.Origin.Upstream));
        Assert.Equal((post.ChannelId, post.MessageId, post.UserId, "l1"), (turn.Origin.Ids["channel_id"], turn.Origin.Ids["message_id"], turn.Origin.Ids["user_id"], turn.Origin.Ids["listener"]));
    }

    [Fact]
    public async Task Deleted_reply_is_an_error()
    {
        await using var house = await DiscordHouse.Start(bots: DiscordHouse.Bot("b1", ("end.cold_wait", "1500ms")));
        var turn = await house.Begin("x [[say=\"Something to be seen at once\" chunks=1 buttons=0]]");
        await turn.UntilText("Something");
        var channel = Assert.Single(house.Made).Id;

        var reply = house.Discord.MessagesOf(channel)[^1];
        var listener = await house.Grains.GetGrain<ICatalogGrain>(GrainKeys.Catalog).FindListener("l1");
        await house.Port.DeleteMessage(listener!, channel, reply.Id, CancellationToken.None);

        await turn.UntilEnd();
        Assert.Equal(ErrorCode.UpstreamFailed, turn.Error?.Code);
    }
}
