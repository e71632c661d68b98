namespace CozeCluster.EndToEnd.Tests.Discord;

/// <summary>What clients see of replies on Discord: long ones, rewritten ones, lost sockets, named conversations, crashes.</summary>
[Collection(nameof(DiscordNode))]
public sealed class DiscordReplyTests(DiscordFixture node)
{
    [Theory]
    [InlineData("text=unicode length=7000 chunks=40 pace=5ms")]
    [InlineData("text=unicode length=7000 chunks=40 pace=5ms overflow=plain")]
    [InlineData("length=3000 chunks=10 buttons_apart")]
    [InlineData("text=unicode length=1500 chunks=20 v2")]
    [InlineData("text=unicode length=1500 chunks=20 stale duplicate")]
    [InlineData("length=1500 chunks=10 rewrite=4")]
    [InlineData("length=500 placeholder=Thinking...")]
    [InlineData("text=unicode length=1500 chunks=20 pace=30ms drop=5")]
    [InlineData("text=unicode length=1500 chunks=20 pace=30ms op7=5")]
    [InlineData("text=unicode length=1500 chunks=20 pace=30ms op9=5")]
    public async Task A_reply_arrives_exactly(string directives)
    {
        var ask = node.Ask(DiscordFleet.Fresh, directives);
        var reply = await ask.StreamAsync();

        Assert.Equal(await node.SaidAsync(ask), reply.Text);
        Assert.Equal("stop", reply.FinishReason);
        Assert.True(reply.IsDone);
        await node.NoneIsLeftAsync();
    }

    [Fact]
    public async Task Buttons_are_follow_ups()
    {
        var reply = await node.Ask(DiscordFleet.Thread, "labels=\"More?|Why?\"").StreamAsync();

        Assert.Equal(["More?", "Why?"], reply.Extension.GetProperty("follow_ups").Texts());
    }

    [Theory]
    [InlineData(DiscordFleet.Fresh)]
    [InlineData(DiscordFleet.Thread)]
    public async Task The_next_turn_of_a_conversation_goes_on_in_its_channel(string model)
    {
        var name = $"talk-{Guid.NewGuid():n}";
        var first = node.Ask(model, "say=one").With(body => body["conversation_id"] = name);
        var second = node.Ask(model, "full").With(body => body["conversation_id"] = name);
        await first.StreamAsync();
        var reply = await second.StreamAsync();

        var (one, two) = (await node.PostedAsync(first), await node.PostedAsync(second));
        Assert.Equal(one.ChannelId, two.ChannelId);
        Assert.DoesNotContain(first.Prompt, two.Detail!, StringComparison.Ordinal);
        Assert.Contains(second.Prompt.Split(' ')[0], reply.Text, StringComparison.Ordinal);
        node.Expect(one.ChannelId!);
        await node.NoneIsLeftAsync();
    }

    [Fact]
    public async Task A_long_prompt_is_sent_in_parts_and_read_as_one()
    {
        var ask = node.Ask(DiscordFleet.Fresh, "full");
        var words = string.Join(' ', Enumerable.Range(0, 900).Select(number => $"word{number}"));
        ask.Body["messages"]![0]!["content"] = $"{words} {ask.Prompt}";
        var reply = await ask.StreamAsync();

        Assert.Equal(await node.SaidAsync(ask), reply.Text);
        Assert.Equal(Enumerable.Range(0, 900).Select(number => $"word{number}"), reply.Text.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Where(word => word.StartsWith("word", StringComparison.Ordinal)));
        await node.NoneIsLeftAsync();
    }

    [Fact]
    public async Task Replies_are_exact_across_a_crash_and_nothing_is_left()
    {
        string[] models = [DiscordFleet.Fresh, DiscordFleet.Thread, DiscordFleet.Fixed];
        var asks = models.SelectMany(model => Enumerable.Range(0, 3).Select(_ => node.Ask(model, "text=unicode length=1800 chunks=60 pace=50ms"))).ToList();
        var opened = await Task.WhenAll(asks.Select(ask => ask.OpenStreamAsync()));
        foreach (var open in opened) await open.UntilAsync(reply => reply.Text.Length > 20, Ask.Patience);
        await node.CrashAsync();
        foreach (var open in opened)
        {
            try
            {
                // What had left the node before it died may still arrive.
                await open.ReadAllAsync(Ask.Patience);
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
            }
        }

        // All at once: a turn that nobody follows is given up after a while.
        var rests = await Task.WhenAll(opened.Select(async open =>
        {
            await using var rest = await node.Http.FollowAsync(open.Reply.TurnId, open.Reply.Cursor);
            return await rest.ReadAllAsync(Ask.Patience);
        }));
        Assert.All(rests, rest => Assert.True(rest.IsDone, string.Join('\n', rest.Records.Select(record => record.Data))));
        Assert.Equal(await Task.WhenAll(asks.Select(node.SaidAsync)), opened.Zip(rests, (open, rest) => open.Reply.Text + rest.Text));
        await node.NoneIsLeftAsync();
    }
}
