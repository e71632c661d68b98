namespace CozeCluster.EndToEnd.Tests.Discord;

/// <summary>Replies of bots on Discord: long ones, rewritten ones, lost sockets, named conversations, crashes.</summary>
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
        var request = node.NewRequest(DiscordFleet.Fresh, directives);
        var reply = await request.StreamAsync();

        Assert.Equal(await node.GetBotTextAsync(request), reply.Text);
        Assert.Equal("stop", reply.FinishReason);
        Assert.True(reply.IsDone);
        await node.WaitForCleanupAsync();
    }

    [Fact]
    public async Task Buttons_are_sent_as_follow_ups()
    {
        var reply = await node.NewRequest(DiscordFleet.Thread, "labels=\"More?|Why?\"").StreamAsync();

        Assert.Equal(["More?", "Why?"], reply.Extension.GetProperty("follow_ups").Texts());
    }

    [Theory]
    [InlineData(DiscordFleet.Fresh)]
    [InlineData(DiscordFleet.Thread)]
    public async Task The_next_turn_of_a_conversation_continues_in_its_channel(string model)
    {
        var name = $"talk-{Guid.NewGuid():n}";
        var first = node.NewRequest(model, "say=one").InConversation(name);
        var second = node.NewRequest(model, "full").InConversation(name);
        await first.StreamAsync();
        var reply = await second.StreamAsync();

        var (one, two) = (await node.GetPostedMessageAsync(first), await node.GetPostedMessageAsync(second));
        Assert.Equal(one.ChannelId, two.ChannelId);
        Assert.DoesNotContain(first.Prompt, two.Detail!, StringComparison.Ordinal);
        Assert.Contains(second.Prompt.Split(' ')[0], reply.Text, StringComparison.Ordinal);
        node.KeepChannel(one.ChannelId!);
        await node.WaitForCleanupAsync();
    }

    [Fact]
    public async Task A_long_prompt_is_sent_in_parts()
    {
        var request = node.NewRequest(DiscordFleet.Fresh, "full");
        var words = string.Join(' ', Enumerable.Range(0, 900).Select(number => $"word{number}"));
        request.Body["messages"]![0]!["content"] = $"{words} {request.Prompt}";
        var reply = await request.StreamAsync();

        Assert.Equal(await node.GetBotTextAsync(request), reply.Text);
        var received = reply.Text.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(words, string.Join(' ', received.Where(word => word.StartsWith("word", StringComparison.Ordinal))));
        await node.WaitForCleanupAsync();
    }

    [Fact]
    public async Task Replies_are_exact_across_a_crash_and_all_channels_are_deleted()
    {
        string[] models = [DiscordFleet.Fresh, DiscordFleet.Thread, DiscordFleet.Fixed];
        var requests = models.SelectMany(model => Enumerable.Repeat(model, 3))
            .Select(model => node.NewRequest(model, "text=unicode length=1800 chunks=60 pace=50ms"))
            .ToList();
        var opened = await Task.WhenAll(requests.Select(request => request.OpenStreamAsync()));
        foreach (var open in opened) await open.ReadUntilAsync(reply => reply.Text.Length > 20, TestTimeout.Token);
        await node.CrashAsync();
        foreach (var open in opened)
        {
            try
            {
                // Bytes that the node had sent before the crash may still arrive.
                await open.ReadAllAsync(TestTimeout.Token);
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
            }
        }

        // All turns are followed at once, because a turn without a subscriber is cancelled after a while.
        var rests = await Task.WhenAll(opened.Select(async open =>
        {
            await using var rest = await node.Http.FollowAsync(open.Reply.TurnId, open.Reply.Cursor);
            return await rest.ReadAllAsync(TestTimeout.Token);
        }));
        Assert.All(rests, rest => Assert.True(rest.IsDone, string.Join('\n', rest.Records.Select(record => record.Data))));
        Assert.Equal(await Task.WhenAll(requests.Select(node.GetBotTextAsync)), opened.Zip(rests, (open, rest) => open.Reply.Text + rest.Text));
        await node.WaitForCleanupAsync();
    }
}
