using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CozeCluster.Grains.Testing;

namespace CozeCluster.Grains.Tests.Telemetry;

/// <summary>Prompts and replies in the form of the conventions for generative AI.</summary>
public sealed class GenAiMessagesTests
{
    private static readonly PlainSecrets Secrets = new();

    [Fact]
    public void OfPrompt_EveryKindOfPart_HasItsKindAndTextsOnly()
    {
        var blob = new BlobRef("blob-1", "image/png", "face.png", 10);
        var prompt = GenAiMessages.OfPrompt(
            Turn(
                new(ChatRole.System, [new TextContent("Be brief.")]),
                new(ChatRole.User, [new TextContent("看这个"), new ImageContent(new(null, blob)), new AudioContent(new(null, blob))]),
                new(ChatRole.User, [new FileContent(new("https://files.example/a.pdf?key=hidden", null))]),
                new(ChatRole.Assistant, []) { ToolCalls = [new ToolCall("call-1", "find", """{"password":"hidden"}""")] },
                new(ChatRole.Tool, [new TextContent("hidden result")]) { ToolCallId = "call-1" }),
            Secrets);

        Assert.Equal(
            """[{"role":"system","parts":[{"type":"text","content":"Be brief."}]},"""
            + """{"role":"user","parts":[{"type":"text","content":"看这个"},{"type":"image"},{"type":"audio"}]},"""
            + """{"role":"user","parts":[{"type":"file"}]},"""
            + """{"role":"assistant","parts":[{"type":"tool_call","id":"call-1","name":"find"}]},"""
            + """{"role":"tool","parts":[{"type":"tool_call_response","id":"call-1","response":null}]}]""",
            prompt);
    }

    [Fact]
    public void OfPrompt_ResultsOfToolCalls_HasTheirIds() => Assert.Equal(
        """[{"role":"tool","parts":[{"type":"tool_call_response","id":"a","response":null}]},"""
        + """{"role":"tool","parts":[{"type":"tool_call_response","id":"b","response":null}]}]""",
        GenAiMessages.OfPrompt(Turn() with { ToolOutputs = [new("a", "hidden"), new("b", "hidden")] }, Secrets));

    [Fact]
    public void OfReply_EveryKindOfPart_HasItsKindAndTextsOnly()
    {
        var log = new ReplyLog();
        log.Append(log.Open("m", TextKind.Reasoning), "Hm.");
        log.Append(log.Open("m", TextKind.Answer), "Yes \ud83d\ude00");
        log.Add(new ToolCallItem("call-1", "find", """{"password":"hidden"}""", ForClient: false));
        log.Add(new ToolOutputItem("call-1", "hidden"));
        log.Add(new ImageItem("i", "https://images.example/hidden"));
        log.Add(new KnowledgeItem("k", "hidden"));
        log.Add(new CardItem("c", "hidden"));
        log.Add(new FollowUpItem("f", "hidden"));
        log.Add(new OtherItem("o", "hidden", "hidden"));
        log.Complete(FinishReason.ToolCalls);

        var message = Parse(GenAiMessages.OfReply(log, Secrets))[0]!;

        Assert.Equal(("assistant", "tool_calls"), ((string?)message["role"], (string?)message["finish_reason"]));
        Assert.Equal(
            """[{"type":"reasoning","content":"Hm."},{"type":"text","content":"Yes 😀"},{"type":"tool_call","id":"call-1","name":"find"},"""
            + """{"type":"tool_call_response","id":"call-1","response":null},{"type":"image"},{"type":"knowledge"},{"type":"card"},{"type":"follow_up"},"""
            + """{"type":"other"}]""",
            message["parts"]!.ToJsonString(new JsonSerializerOptions { Encoder = null }).Replace("\\uD83D\\uDE00", "😀", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void OfReply_FailedAttempt_HasTheTextSoFar()
    {
        var log = new ReplyLog();
        Assert.Null(GenAiMessages.OfReply(log, Secrets));

        log.Append(log.Open("m", TextKind.Answer), "Half a");

        Assert.Equal(
            """[{"role":"assistant","parts":[{"type":"text","content":"Half a"}],"finish_reason":"error"}]""", GenAiMessages.OfReply(log, Secrets));
    }

    [Fact]
    public void OfPrompt_NothingSent_IsNull() => Assert.Null(GenAiMessages.OfPrompt(Turn(), Secrets));

    [Fact]
    public void LongTexts_AreCutAndTheLastMessagesStay()
    {
        var (old, middle, last) = (new string('o', 100_000), new string('m', 100_000), new string('l', 1000));

        var messages = Parse(GenAiMessages.OfPrompt(Turn(User(old), User(middle), User(last)), Secrets));

        string[] texts = [.. messages.Select(message => (string)message!["parts"]![0]!["content"]!)];
        Assert.Equal(
            [new string('o', GenAiMessages.MaxTotal - GenAiMessages.MaxText - 1001) + "…", new string('m', GenAiMessages.MaxText - 1) + "…", last], texts);
    }

    [Theory]
    [InlineData(1, 1_000)]
    [InlineData(1_000, 1)]
    [InlineData(10, 10)]
    public void ManyParts_OnlySoManyAreWritten(int messages, int parts)
    {
        var message = new ChatMessage(ChatRole.User, [.. Enumerable.Repeat(new ImageContent(new("https://x.example", null)), parts)]);
        var log = new ReplyLog(maxParts: 10_000);
        for (var i = 0; i < messages * parts; i++) log.Add(new ImageItem($"{i}", "https://x.example"));

        var prompt = GenAiMessages.OfPrompt(Turn([.. Enumerable.Repeat(message, messages)]), Secrets);

        Assert.Equal(GenAiMessages.MaxParts, Parse(prompt).Sum(one => one!["parts"]!.AsArray().Count));
        Assert.Equal(GenAiMessages.MaxParts, Parse(GenAiMessages.OfReply(log, Secrets))[0]!["parts"]!.AsArray().Count);
    }

    [Fact]
    public void TextsOfWhichLittleIsLeft_CountAsTheyWere()
    {
        var link = User("https://x.example/" + new string('y', 50_000));

        var messages = Parse(GenAiMessages.OfPrompt(Turn([.. Enumerable.Repeat(link, 50)]), Secrets));

        Assert.Equal(GenAiMessages.MaxTotal / GenAiMessages.MaxText, messages.Count);
    }

    /// <summary>Characters that JSON writes as six each, the longest names and ids, and texts that are no Unicode.</summary>
    [Theory]
    [InlineData('\u0001')]
    [InlineData('"')]
    [InlineData('字')]
    [InlineData('\ud83d')]
    public void WhateverATenantSends_TheAttributeIsShortAndValid(char character)
    {
        var text = new string(character, 50_000);
        var call = new ToolCall(text, text, text);
        var log = new ReplyLog();
        log.Append(log.Open("m", TextKind.Answer), text + "x");
        for (var i = 0; i < 200; i++) log.Add(new ToolCallItem($"{i}{text}", text, "", ForClient: true));

        foreach (var attribute in (string?[])
        [
            GenAiMessages.OfPrompt(Turn(User(text), new(ChatRole.Assistant, []) { ToolCalls = [call, call, call] }), Secrets),
            GenAiMessages.OfReply(log, Secrets),
        ])
        {
            Parse(attribute);
            Assert.InRange(Encoding.UTF8.GetByteCount(attribute!), 1, 6 * GenAiMessages.MaxTotal + 100 * GenAiMessages.MaxParts);
        }
    }

    [Fact]
    public void TextWithASecret_HasNone()
    {
        for (var before = 0; before < 3 * GenAiMessages.MaxText; before += 97)
        {
            var text = new string('x', before) + PlainSecrets.Secret + new string('y', 2 * GenAiMessages.MaxText);
            var content = (string)Parse(GenAiMessages.OfPrompt(Turn(User(text)), Secrets))[0]!["parts"]![0]!["content"]!;
            Assert.DoesNotContain(PlainSecrets.Secret[..4], content, StringComparison.Ordinal);
        }
    }

    /// <summary>Substitutes are shorter than secrets, so the end of what was searched moves to the front. It may have a part of a secret.</summary>
    [Fact]
    public void TextOfSecrets_HasNoPartOfOne()
    {
        var text = string.Concat(Enumerable.Repeat(PlainSecrets.Secret, 5_000));
        for (var skipped = 0; skipped < PlainSecrets.Secret.Length; skipped++)
        {
            var content = (string)Parse(GenAiMessages.OfPrompt(Turn(User(new string('x', skipped) + text)), Secrets))[0]!["parts"]![0]!["content"]!;
            Assert.DoesNotContain("se", content, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("Read https://example.com/a/b?sign=s#f now", "Read https://example.com/… now")]
    [InlineData("![i](https://img.example/x(1).png?sign=s)\nHm", "![i](https://img.example/…\nHm")]
    [InlineData("请看https://例子.cn/路径?sign=s，然后说", "请看https://例子.cn/…，然后说")]
    [InlineData("at https://user:password@example.com:8080/", "at https://example.com:8080/")]
    [InlineData("(https://example.com) and WSS://x?k=s", "(https://example.com) and WSS://x/…")]
    [InlineData("postgres://u:p@db/x", "postgres://db/…")]
    [InlineData("<img src=\"data:image/png;base64,iVBORw0KGgo=\">", "<img src=\"data:image/png;base64,…\">")]
    [InlineData("a/b?c=d, 1://2, x: //y", "a/b?c=d, 1://2, x: //y")]
    public void TextWithLinks_HasServersOnly(string text, string expected) =>
        Assert.Equal(expected, (string?)Parse(GenAiMessages.OfPrompt(Turn(User(text)), Secrets))[0]!["parts"]![0]!["content"]);

    /// <summary>A prompt for an upstream.</summary>
    internal static UpstreamTurn Turn(params IReadOnlyList<ChatMessage> messages) => new(
        "turn", new BotDefinition { Id = "b", Upstream = "fake", UpstreamBotId = "1", Accounts = ["a"] },
        new AccountDefinition { Id = "a", Upstream = "fake", BaseUrl = "http://localhost" }, "user", messages);

    private static ChatMessage User(string text) => new(ChatRole.User, [new TextContent(text)]);

    private static JsonArray Parse(string? json) => JsonNode.Parse(json!)!.AsArray();
}
