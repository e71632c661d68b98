using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Sandbox.Tests.Discord;

public sealed class CozeBotTests
{
    private static readonly DiscordSandboxOptions NoLimits = new() { RateLimits = false };

    [Fact]
    public async Task Prompt_OfAnAccount_GetsAReplyWithAnEcho()
    {
        await using var client = await DiscordClient.StartAsync();

        var prompt = await client.PromptAsync("good morning");
        var reply = Assert.Single(await client.WaitForRepliesAsync(prompt));

        Assert.Equal("You said: good morning\n\nThis is the Coze bot of the Discord sandbox, glad to hear from you.", reply.Content);
        Assert.Equal(prompt, reply.ReplyTo);
        Assert.True(reply.HasComponents);
    }

    [Fact]
    public async Task Reply_GrowsByEditsOfItsWholeContent()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.LogInAsync();

        await client.PromptAsync("[[say=abcdef chunks=3 pace=0 buttons=2]]");
        var messages = await ReadReplyEventsAsync(gateway, 3);

        Assert.Equal(["ab", "abcd", "abcdef"], messages.Select(m => m["content"]!.GetValue<string>()));
        Assert.Equal([0, 0, 1], messages.Select(m => m["components"]!.AsArray().Count));
        Assert.Equal(2, messages[2]["components"]![0]!["components"]!.AsArray().Count);
    }

    [Fact]
    public async Task Prompt_OfABot_IsIgnoredUnlessOptedIn()
    {
        await using var strict = await DiscordClient.StartAsync();
        await using var lenient = await DiscordClient.StartAsync(new DiscordSandboxOptions { AnswersBots = true });

        await strict.PromptAsync("hi", DiscordClient.Listener);
        var answered = await lenient.PromptAsync("hi", DiscordClient.Listener);

        Assert.Equal("written by a bot", Assert.Single(strict.Discord.Records.Of(DiscordRecordKind.ReplyWithheld)).Detail);
        Assert.Single(await lenient.WaitForRepliesAsync(answered));
    }

    [Fact]
    public async Task Message_WithoutAnAllowedMention_IsNotAPrompt()
    {
        await using var client = await DiscordClient.StartAsync();

        await client.SendAsync(DiscordClient.Account, new JsonObject
        {
            ["content"] = $"<@{DiscordClient.CozeBot.Id}> hi", ["allowed_mentions"] = new JsonObject { ["parse"] = new JsonArray() },
        });

        Assert.Equal(0, client.Discord.Records.Count(DiscordRecordKind.ReplyStarted));
    }

    [Fact]
    public async Task Prompt_IncludesEarlierMessagesOfTheAuthor()
    {
        await using var client = await DiscordClient.StartAsync();
        await client.SendAsync(DiscordClient.Account, "first part");
        await client.SendAsync(DiscordSeeds.Accounts[1], "somebody else");

        var prompt = await client.PromptAsync("last part [[full]]");
        var next = await client.PromptAsync("another [[full context=0]]");

        Assert.StartsWith("You said: first part\nlast part\n", Assert.Single(await client.WaitForRepliesAsync(prompt), m => m.ReplyTo == prompt).Content);
        Assert.StartsWith("You said: another\n", Assert.Single(await client.WaitForRepliesAsync(next), m => m.ReplyTo == next).Content);
    }

    [Fact]
    public async Task Prompt_IncludesTextFiles()
    {
        await using var client = await DiscordClient.StartAsync();
        var form = new MultipartFormDataContent
        {
            { new StringContent(new JsonObject { ["content"] = $"<@{DiscordClient.CozeBot.Id}> answer the file" }.ToJsonString()), "payload_json" },
            { new StringContent("the long text"), "files[0]", "Prompt.txt" },
            { new ByteArrayContent([1, 2, 3]), "files[1]", "a.png" },
        };

        var sent = await client.RequestAsync(DiscordClient.Account, "POST", $"/channels/{DiscordClient.Guild.GeneralId}/messages", content: form);

        var reply = Assert.Single(await client.WaitForRepliesAsync(sent.Id));
        Assert.StartsWith("You said: answer the file\nthe long text\n[file a.png, image/png, 3 bytes]", reply.Content);
    }

    [Theory]
    [InlineData("", 3, 3)]
    [InlineData("overflow=plain", 3, 1)]
    [InlineData("overflow=cut", 1, 1)]
    public async Task Reply_Beyond2000Units_ContinuesInFurtherMessages(string directive, int messages, int references)
    {
        await using var client = await DiscordClient.StartAsync(NoLimits);

        var prompt = await client.PromptAsync($"[[length=4500 text=unicode pace=0 {directive}]]");
        var replies = await client.WaitForRepliesAsync(prompt);
        var text = Assert.Single(client.Discord.Records.Of(DiscordRecordKind.ReplyFinished)).Detail!;

        Assert.Equal(4500, text.Length);
        Assert.Equal(messages, replies.Count);
        Assert.Equal(references, replies.Count(m => m.ReplyTo == prompt));
        Assert.All(replies, m => Assert.InRange(m.Content.Length, 1, 2000));
        Assert.StartsWith(string.Concat(replies.Select(m => m.Content)), text);
        if (messages == 3) Assert.Equal(text, string.Concat(replies.Select(m => m.Content)));
        Assert.Equal([.. Enumerable.Repeat(false, messages - 1), true], replies.Select(m => m.HasComponents));
    }

    [Fact]
    public async Task SurrogatePairs_AreNotSplit()
    {
        await using var client = await DiscordClient.StartAsync();
        client.Discord.Script($"say=x{string.Concat(Enumerable.Repeat("🚀", 1500))} chunks=10 pace=0");

        var replies = await client.WaitForRepliesAsync(await client.PromptAsync("fly"));

        Assert.Equal([1999, 1002], replies.Select(m => m.Content.Length));
        Assert.DoesNotContain(client.Discord.Records.Lines(), line => line.Detail is { Length: > 0 } text && char.IsHighSurrogate(text[^1]));
    }

    [Fact]
    public async Task Rewrite_ChangesTextThatWasAlreadyShown()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.LogInAsync();

        await client.PromptAsync("[[say=abcd chunks=2 pace=0 rewrite=2 placeholder=Wait]]");
        var messages = await ReadReplyEventsAsync(gateway, 3);

        Assert.Equal(["Wait", "AB", "abcd"], messages.Select(m => m["content"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData("form=mention", false, "<@1000000000000000021> x")]
    [InlineData("form=plain", false, "x")]
    [InlineData("form=reply", true, "x")]
    public async Task Form_DeterminesHowAReplyRefersToItsPrompt(string directive, bool byReference, string content)
    {
        await using var client = await DiscordClient.StartAsync();

        var prompt = await client.PromptAsync($"[[say=x {directive}]]");
        var reply = Assert.Single(await client.WaitForRepliesAsync(prompt));

        Assert.Equal(byReference ? prompt : null, reply.ReplyTo);
        Assert.Equal(content, reply.Content);
    }

    [Fact]
    public async Task V2_SendsTheTextInComponents()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.LogInAsync();

        await client.PromptAsync("[[say=abcd chunks=2 pace=0 v2]]");
        var messages = await ReadReplyEventsAsync(gateway, 2);

        Assert.All(messages, m => Assert.Equal("", m["content"]!.GetValue<string>()));
        Assert.All(messages, m => Assert.Equal(32768, m["flags"]!.GetValue<int>()));
        Assert.Equal(["ab", "abcd"], messages.Select(m => m["components"]![0]!["components"]![0]!["content"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData("image=embed")]
    [InlineData("image=attachment")]
    [InlineData("image=link")]
    public async Task Image_CanBeDownloaded(string directive)
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.LogInAsync();

        await client.PromptAsync($"[[say=x chunks=1 {directive}]]");
        var reply = Assert.Single(await ReadReplyEventsAsync(gateway, 1));
        var url = directive switch
        {
            "image=embed" => reply["embeds"]![0]!["image"]!["url"]!.GetValue<string>(),
            "image=attachment" => reply["attachments"]![0]!["url"]!.GetValue<string>(),
            _ => reply["content"]!.GetValue<string>().Split('(', ')')[1],
        };

        Assert.Equal("PNG"u8.ToArray(), (await client.Http.GetByteArrayAsync(url, client.TimeoutToken))[1..4]);
    }

    [Fact]
    public async Task Notice_OfADirectiveAnAccountOrABot_ReplacesTheReply()
    {
        await using var client = await DiscordClient.StartAsync();

        var scripted = await client.PromptAsync("[[notice=too_many_users]]");
        client.Discord.SetCozeNotice(DiscordClient.Account.Id, "daily_limit");
        var limited = await client.PromptAsync("hi");
        var other = await client.PromptAsync("hi", DiscordSeeds.Accounts[1]);
        client.Discord.SetCozeNotice(DiscordClient.CozeBot.Id, "creator_credits");
        var exhausted = await client.PromptAsync("hi", DiscordSeeds.Accounts[1]);

        Assert.Equal(CozeNotices.All["too_many_users"], await TextOf(scripted));
        Assert.Equal(CozeNotices.All["daily_limit"], await TextOf(limited));
        Assert.StartsWith("You said: hi", await TextOf(other));
        Assert.Equal(CozeNotices.All["creator_credits"], await TextOf(exhausted));

        async Task<string> TextOf(string prompt)
        {
            var reply = Assert.Single(await client.WaitForRepliesAsync(prompt), m => m.ReplyTo == prompt);
            Assert.Equal(reply.Content.StartsWith("You said", StringComparison.Ordinal), reply.HasComponents);
            return reply.Content;
        }
    }

    [Fact]
    public async Task Silent_SendsNothing_StopAfterSendsAnIncompleteReply()
    {
        await using var client = await DiscordClient.StartAsync();

        await client.PromptAsync("[[silent]]");
        var cut = await client.PromptAsync("[[say=abcd chunks=4 pace=0 stop_after=2]]");
        var reply = Assert.Single(await client.WaitForRepliesAsync(cut));

        Assert.Equal("scripted silence", Assert.Single(client.Discord.Records.Of(DiscordRecordKind.ReplyWithheld)).Detail);
        Assert.Equal(("ab", false), (reply.Content, reply.HasComponents));
    }

    [Fact]
    public async Task LateText_IsAddedAfterTheReply()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.LogInAsync();

        await client.PromptAsync("""[[say=ab chunks=1 buttons=0 late_text=" and more" late_after=1ms]]""");

        Assert.Equal(["ab", "ab and more"], (await ReadReplyEventsAsync(gateway, 2)).Select(m => m["content"]!.GetValue<string>()));
    }

    [Fact]
    public async Task StaleAndDuplicate_RepeatEvents()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.LogInAsync();

        await client.PromptAsync("[[say=abc chunks=3 pace=0 stale]]");
        var stale = await ReadReplyEventsAsync(gateway, 5);
        await client.PromptAsync("[[say=abc chunks=1 duplicate]]");
        var twice = await ReadReplyEventsAsync(gateway, 2);

        Assert.Equal(["a", "ab", "a", "abc", "ab"], stale.Select(m => m["content"]!.GetValue<string>()));
        Assert.Equal(["abc", "abc"], twice.Select(m => m["content"]!.GetValue<string>()));
    }

    [Fact]
    public async Task ButtonsApart_AddsTheButtonsInASeparateEdit()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.LogInAsync();

        await client.PromptAsync("""[[say=ab chunks=1 pace=0 buttons_apart labels="One|Two"]]""");
        var messages = await ReadReplyEventsAsync(gateway, 2);

        Assert.Empty(messages[0]["components"]!.AsArray());
        Assert.Equal(["One", "Two"], messages[1]["components"]![0]!["components"]!.AsArray().Select(b => b!["label"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Drop_AbortsTheSocketsDuringTheReply()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.LogInAsync();

        var prompt = await client.PromptAsync("[[say=abcd chunks=4 pace=0 drop=2]]");

        Assert.Null(await gateway.CloseCodeAsync());
        Assert.Equal("abcd", Assert.Single(await client.WaitForRepliesAsync(prompt)).Content);
    }

    [Fact]
    public async Task Script_IsUsedForItsCountAndOverriddenByThePrompt()
    {
        await using var client = await DiscordClient.StartAsync();
        client.Discord.Script("say=default", times: null);
        client.Discord.Script("say=next buttons=0");

        var first = await client.PromptAsync("a");
        var second = await client.PromptAsync("b");
        var third = await client.PromptAsync("c [[say=own]]");

        Assert.Equal("next", Assert.Single(await client.WaitForRepliesAsync(first), m => m.ReplyTo == first).Content);
        Assert.Equal("default", Assert.Single(await client.WaitForRepliesAsync(second), m => m.ReplyTo == second).Content);
        Assert.Equal("own", Assert.Single(await client.WaitForRepliesAsync(third), m => m.ReplyTo == third).Content);
    }

    [Theory]
    [InlineData("nonsense", "unknown directive 'nonsense'")]
    [InlineData("pace=fast", "directive 'pace': 'fast' is not a duration; use 20ms, 2s or 1m")]
    [InlineData("buttons=6", "directive 'buttons': '6' is not a whole number from 0 to 5")]
    [InlineData("say=\"open", "directive 'say': the closing quote is missing")]
    public async Task Directive_Invalid_TheErrorNamesIt(string directives, string message)
    {
        await using var client = await DiscordClient.StartAsync();

        var thrown = Assert.Throws<ArgumentException>(() => client.Discord.Script(directives));
        var prompt = await client.PromptAsync($"[[{directives}]]");

        Assert.StartsWith(message, thrown.Message);
        Assert.Equal($"The sandbox cannot follow this prompt: {message}.", Assert.Single(await client.WaitForRepliesAsync(prompt)).Content);
    }

    [Fact]
    public async Task Channel_Deleted_EndsTheReply()
    {
        await using var client = await DiscordClient.StartAsync();
        var channel = await client.RequestAsync(
            DiscordClient.Listener, "POST", $"/guilds/{DiscordClient.Guild.Id}/channels", new JsonObject { ["name"] = "x" });

        await client.PromptAsync("[[chunks=1000 pace=1ms]]", channel: channel.Id);
        await client.Discord.Records.WaitAsync(DiscordRecordKind.MessageEdited, cancellationToken: client.TimeoutToken);
        await client.RequestAsync(DiscordClient.Listener, "DELETE", $"/channels/{channel.Id}");

        var ended = await client.Discord.Records.WaitAsync(DiscordRecordKind.ReplyWithheld, cancellationToken: client.TimeoutToken);
        Assert.Equal("channel or message gone", ended.Detail);
    }

    [Fact]
    public async Task Thread_TheReplyIsInTheThread()
    {
        await using var client = await DiscordClient.StartAsync();
        var thread = await client.RequestAsync(
            DiscordClient.Listener, "POST", $"/channels/{DiscordClient.Guild.GeneralId}/threads", new JsonObject { ["name"] = "t", ["type"] = 11 });

        var prompt = await client.PromptAsync("in here", channel: thread.Id);

        Assert.Equal(prompt, Assert.Single(await client.WaitForRepliesAsync(prompt, thread.Id)).ReplyTo);
    }

    private static async Task<List<JsonNode>> ReadReplyEventsAsync(GatewayClient gateway, int count)
    {
        var messages = new List<JsonNode>();
        while (messages.Count < count)
        {
            var payload = await gateway.NextOpAsync(0);
            var isMessage = payload["t"]!.GetValue<string>() is "MESSAGE_CREATE" or "MESSAGE_UPDATE";
            if (isMessage && payload["d"]!["author"]!["id"]!.GetValue<string>() == DiscordClient.CozeBot.Id) messages.Add(payload["d"]!);
        }
        return messages;
    }
}
