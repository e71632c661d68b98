using System.Text;
using CozeCluster.Sandbox.Discord;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Discord.Tests;

/// <summary>What the bot receives of a prompt.</summary>
public sealed class PromptTests
{
    [Fact]
    public async Task Short_prompt_is_one_message_that_mentions_only_the_bot()
    {
        await using var silo = await DiscordSilo.Start();

        await (await silo.Run("Hello @everyone")).UntilComplete();

        Assert.Equal($"<@{DiscordSilo.CozeBot.Id}> Hello @everyone", Assert.Single(silo.Posts).Detail);
    }

    [Fact]
    public async Task Long_prompt_is_split_in_order_and_received_completely()
    {
        await using var silo = await DiscordSilo.Start();
        var words = string.Join(' ', Enumerable.Range(1, 1_200).Select(n => $"word{n}"));

        var turn = await silo.Run($"[[full]] {words}");

        var received = (await turn.UntilComplete()).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(words.Split(' '), received.Where(word => word.StartsWith("word", StringComparison.Ordinal)));
        Assert.Equal(5, silo.Posts.Count);
        Assert.Equal([false, false, false, false, true], silo.Posts.Select(post => post.Detail!.Contains("<@", StringComparison.Ordinal)));
        Assert.Equal(string.Join(',', silo.Posts.Select(post => post.MessageId)), turn.Origin!.Ids["message_ids"]);
    }

    [Fact]
    public async Task Long_prompt_as_a_file_is_received_completely()
    {
        await using var silo = await DiscordSilo.Start(bots: DiscordSilo.Bot("b1", ("long", "file")));
        var words = string.Join(' ', Enumerable.Range(1, 1_200).Select(n => $"wörd{n}"));

        var turn = await silo.Run($"[[full]] {words}");

        Assert.Contains(words[..1_000], await turn.UntilComplete(), StringComparison.Ordinal);
        Assert.Contains("wörd1200", turn.Text, StringComparison.Ordinal);
        Assert.Contains("prompt.txt", Assert.Single(silo.Posts).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Long_prompt_is_rejected_if_the_bot_says_so_and_no_channel_is_created()
    {
        await using var silo = await DiscordSilo.Start(bots: DiscordSilo.Bot("b1", ("long", "reject")));

        var turn = await silo.Run(new string('x', 2_001));

        Assert.Equal(ErrorCode.ContextLengthExceeded, turn.Error?.Code);
        Assert.Equal(0, silo.Discord.Records.Count(DiscordRecordKind.ChannelCreated));
    }

    [Fact]
    public async Task Pictures_and_files_are_sent_as_addresses_and_uploads()
    {
        await using var silo = await DiscordSilo.Start(bots: DiscordSilo.Bot("b1", ("delete_after", "1m")));
        var picture = await Blob(silo, "dot.png", "image/png", [1, 2, 3]);
        var note = await Blob(silo, "note.txt", "text/plain", Encoding.UTF8.GetBytes("What the note says"));

        var turn = await silo.Run(DiscordSilo.Request(
        [
            new TextContent("Look"),
            new ImageContent(new MediaSource("https://example.invalid/a.png", null)),
            new ImageContent(new MediaSource(null, picture)),
            new FileContent(new MediaSource(null, note)),
        ]));

        Assert.Contains("What the note says", await turn.UntilComplete(), StringComparison.Ordinal);
        var post = Assert.Single(silo.Posts);
        Assert.EndsWith("Look\nhttps://example.invalid/a.png", post.Detail, StringComparison.Ordinal);
        Assert.Equal(["dot.png", "note.txt"], silo.Discord.MessagesOf(post.ChannelId!)[0].Attachments);
    }

    [Fact]
    public async Task More_files_than_one_message_may_have_are_posted_in_several_messages_before_the_one_that_mentions_the_bot()
    {
        await using var silo = await DiscordSilo.Start(bots: DiscordSilo.Bot("b1", ("delete_after", "1m")));
        var files = new List<ContentPart> { new TextContent("Look at all") };
        for (var n = 1; n <= 23; n++) files.Add(new ImageContent(new MediaSource(null, await Blob(silo, $"{n}.png", "image/png", [1, 2, 3]))));

        await (await silo.Run(DiscordSilo.Request(files))).UntilComplete();

        Assert.Equal(["", "", $"<@{DiscordSilo.CozeBot.Id}> Look at all"], silo.Posts.Select(post => post.Detail));
        var sent = silo.Discord.MessagesOf(silo.Posts[0].ChannelId!)
            .Where(message => message.Attachments.Count > 0)
            .OrderBy(message => ulong.Parse(message.Id))
            .ToList();
        Assert.Equal([10, 10, 3], sent.Select(message => message.Attachments.Count));
        Assert.Equal(Enumerable.Range(1, 23).Select(n => $"{n}.png"), sent.SelectMany(message => message.Attachments));
    }

    [Fact]
    public async Task More_files_than_one_message_may_have_are_rejected_if_prompts_are_not_split()
    {
        await using var silo = await DiscordSilo.Start(bots: DiscordSilo.Bot("b1", ("long", "reject")));
        var files = Enumerable.Range(1, 11).Select(n => new ImageContent(new MediaSource(null, new BlobRef($"{n}", "image/png", $"{n}.png", 3))));

        var turn = await silo.Run(DiscordSilo.Request([new TextContent("Look"), .. files]));

        Assert.Equal(ErrorCode.FileRejected, turn.Error?.Code);
        Assert.Equal(0, silo.Discord.Records.Count(DiscordRecordKind.ChannelCreated));
    }

    [Fact]
    public async Task Too_large_files_are_rejected_before_a_channel_is_created()
    {
        await using var silo = await DiscordSilo.Start();
        var large = new BlobRef("none", "application/pdf", "large.pdf", 11 * 1024 * 1024);

        var turn = await silo.Run(DiscordSilo.Request([new TextContent("Look"), new FileContent(new MediaSource(null, large))]));

        Assert.Equal(ErrorCode.FileRejected, turn.Error?.Code);
        Assert.Contains("large.pdf", turn.Error!.Message, StringComparison.Ordinal);
        Assert.Equal(0, silo.Discord.Records.Count(DiscordRecordKind.ChannelCreated));
    }

    private static async Task<BlobRef> Blob(DiscordSilo silo, string name, string type, byte[] content) =>
        await silo.Services.GetRequiredService<IBlobStore>().Put(DiscordSilo.Tenant, name, type, content, CancellationToken.None);
}
