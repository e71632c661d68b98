using System.Text;
using System.Text.Json.Nodes;
using CozeCluster.Upstreams.Gemini;
using CozeCluster.Upstreams.OpenAi;
using CozeCluster.Upstreams.Shared.Prompts;
using CozeCluster.Upstreams.Tests.Claude;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Upstreams.Tests.Shared;

/// <summary>Attachments of old turns expire. A conversation with a language model continues without them.</summary>
public sealed class LostAttachmentTests
{
    private static readonly MediaSource Expired = new(null, new BlobRef("gone", "image/png", "a.png", 3));
    private static readonly ChatMessage Image = CozeRig.User(new TextContent("Look"), new ImageContent(Expired));

    public static TheoryData<string> Upstreams => ["openai", "claude", "gemini"];

    [Theory]
    [MemberData(nameof(Upstreams))]
    public async Task AttachmentOfTheHistory_IsReplacedByAText(string upstream)
    {
        var body = await Write(upstream, null, Image, CozeRig.Assistant("A dog."), CozeRig.User("Which?"));

        Assert.Contains(PromptHistory.LostAttachment, body);
        Assert.All(["Look", "A dog.", "Which?"], text => Assert.Contains(text, body));
    }

    [Theory]
    [MemberData(nameof(Upstreams))]
    public async Task AttachmentOfAStoredTurnWithoutAnAnswer_IsReplacedByAText(string upstream) =>
        Assert.Contains(PromptHistory.LostAttachment, await Write(upstream, 1, Image, CozeRig.User("Which?")));

    [Theory]
    [MemberData(nameof(Upstreams))]
    public async Task NewAttachment_IsAnError(string upstream)
    {
        foreach (var newMessages in new int?[] { null, 1 })
        {
            var error = await Assert.ThrowsAsync<ClusterException>(() => Write(upstream, newMessages, CozeRig.User("Hi"), CozeRig.Assistant("Yes?"), Image));
            Assert.Equal(ErrorCode.NotFound, error.Code);
        }
    }

    [Theory]
    [MemberData(nameof(Upstreams))]
    public async Task LargeHistory_LeavesRoomForTheNewAttachment(string upstream)
    {
        var (blobs, half) = (new TestBlobs(), new byte[upstream == "openai" ? 40 << 20 : 11 << 20]);
        "%PDF-"u8.CopyTo(half);
        var old = new FileContent(new MediaSource(null, await blobs.Put("t", "old.pdf", "application/pdf", half, ClaudeRig.Stop)));
        "%PDF-1.7"u8.CopyTo(half);
        var fresh = new FileContent(new MediaSource(null, await blobs.Put("t", "new.pdf", "application/pdf", half, ClaudeRig.Stop)));
        // Claude's limit is one of the encoded request.
        var extra = upstream == "claude" ? new[] { old } : [];
        var body = await Write(upstream, null, blobs, [CozeRig.User([old, .. extra]), CozeRig.Assistant("Read."), CozeRig.User(fresh)]);

        Assert.Contains(PromptHistory.LostAttachment, body);
        Assert.Contains(Convert.ToBase64String("%PDF-1.7\0"u8), body);
    }

    [Fact]
    public async Task SpeechInTheHistory_DoesNotEndAConversationWithClaude()
    {
        var speech = new AudioContent(Expired);
        Assert.Contains(PromptHistory.LostAttachment, await Write("claude", null, CozeRig.User(speech), CozeRig.Assistant("Hi"), CozeRig.User("Bye")));
    }

    [Fact]
    public async Task AddressOfTheHistoryThatCannotBeFetched_DoesNotEndAConversationWithGemini()
    {
        var image = new ImageContent(new MediaSource("https://x.test/gone", null));
        Assert.Contains(PromptHistory.LostAttachment, await Write("gemini", null, CozeRig.User(image), CozeRig.Assistant("Hi"), CozeRig.User("Bye")));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("{\"a\":\ud800")]
    [InlineData("{\"a\":\"\\ud800\"}")]
    [InlineData("{\"a\":1}{}")]
    public async Task ArgumentsThatAreNoObject_DoNotEndAConversation(string text)
    {
        var call = new ChatMessage(ChatRole.Assistant, []) { ToolCalls = [new ToolCall("c1", "f", text)] };
        var result = new ChatMessage(ChatRole.Tool, [new TextContent(text)]) { ToolCallId = "c1" };

        var gemini = JsonNode.Parse(await Write("gemini", null, CozeRig.User("Hi"), call, result))!["contents"]!;
        var claude = JsonNode.Parse(await Write("claude", null, CozeRig.User("Hi"), call, result))!["messages"]!;

        var expected = text.Replace('\ud800', '\ufffd');
        Assert.Equal(expected, (string?)gemini[1]!["parts"]![0]!["functionCall"]!["args"]!["arguments"]);
        Assert.Equal(expected, (string?)gemini[2]!["parts"]![0]!["functionResponse"]!["response"]!["result"]);
        Assert.Equal(expected, (string?)claude[1]!["content"]![0]!["input"]!["arguments"]);
    }

    [Fact]
    public async Task CallOfTheDeprecatedForm_HasItsResultAtGemini()
    {
        var call = new ChatMessage(ChatRole.Assistant, []) { ToolCalls = [new ToolCall("", "f", "{}")] };
        Assert.Contains("functionResponse", await Write("gemini", null, CozeRig.User("Hi"), call, new ChatMessage(ChatRole.Tool, [new TextContent("1")])));
    }

    private static Task<string> Write(string upstream, int? newMessages, params ChatMessage[] messages) =>
        Write(upstream, newMessages, new TestBlobs(), messages);

    private static async Task<string> Write(string upstream, int? newMessages, TestBlobs blobs, ChatMessage[] messages)
    {
        using var claude = new ClaudeRig(blobs: blobs);
        var turn = claude.Turn(messages) with { NewMessages = newMessages };
        switch (upstream)
        {
            case "claude":
                return (await claude.Body(turn)).ToJsonString();
            case "openai":
                var loaded = await new OpenAiMedia(blobs, new TestFetcher(), NullLogger.Instance).Load(turn, ClaudeRig.Stop);
                return Encoding.UTF8.GetString(new OpenAiChatRequest(turn, new OpenAiBotOptions(), loaded).Write().Span);
            default:
                var media = new GeminiMedia(blobs, new TestFetcher(), NullLogger.Instance);
                await media.Load(turn, ClaudeRig.Stop);
                var model = new GeminiModel("gemini-2.5-flash", 2.5);
                var (system, contents) = GeminiContents.FromMessages(turn.Messages, model, new GeminiCallIds(TimeProvider.System), media);
                var tools = new GeminiTools(model, turn.Settings);
                return Encoding.UTF8.GetString(GeminiRequest.Write(model, new GeminiBotOptions(), turn.Settings, tools, system, contents).Span);
        }
    }
}
