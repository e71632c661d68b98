using System.Net;
using CozeCluster.Gateway.Surfaces.Cdp;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Cdp;

public sealed class CdpChatTests
{
    private static readonly ReplyEvent[] Answer = [Reply.Text("Hi!"), Reply.Item(1, new FollowUpItem("f", "More?")), Reply.Stop(new Usage(3, 4, 7))];

    [Fact]
    public async Task Complete_Whole_HasMessageDeltaUsageAndSuggestions()
    {
        await using var host = await CdpHost.Start(() => Answer);

        using var response = await host.Chat(GatewayHost.Body());
        var json = await response.Content.ReadAsStringAsync();

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Matches("""^\{"id":"chatcmpl-[^"]+","object":"chat\.completion","created":\d+,"model":"bot","choices":""", json);
        Assert.EndsWith(
            """
            "choices":[{"index":0,"message":{"role":"assistant","content":"Hi!"},"logprobs":null,"finish_reason":"stop","delta":{"content":""}}],
            "usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7},"system_fingerprint":null,"suggestions":["More?"]}
            """.ReplaceLineEndings(""), json, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Complete_Streamed_EachChunkHasTheTextSoFarAndWhatIsNew()
    {
        await using var host = await CdpHost.Start();
        using var response = await host.Stream();
        var turn = await host.WaitForTurn();
        await turn.Post(new Cursor(0, 2), Reply.Text("Hi"));
        await turn.Post(new Cursor(2, 0), Reply.Text("!", offset: 2), Reply.Item(1, new FollowUpItem("f", "More?")), Reply.Stop(new Usage(3, 4, 7)));

        var events = await SseReader.ReadAll(response);

        Assert.Equal("[DONE]", events[^1].Data);
        Assert.All(events, one => Assert.Equal("", one.Id));
        Assert.Matches("""^\{"id":"chatcmpl-[^"]+","object":"chat\.completion\.chunk","created":\d+,"model":"bot","choices":""", events[0].Data);
        string[] expected =
        [
            """
            "choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"logprobs":null,"finish_reason":null,"delta":{"content":"Hi"}}],
            "usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0},"system_fingerprint":null,"suggestions":null}
            """,
            """
            "choices":[{"index":0,"message":{"role":"assistant","content":"Hi!"},"logprobs":null,"finish_reason":null,"delta":{"content":"!"}}],
            "usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0},"system_fingerprint":null,"suggestions":null}
            """,
            """
            "choices":[{"index":0,"message":{"role":"assistant","content":"Hi!"},"logprobs":null,"finish_reason":"stop","delta":{"content":""}}],
            "usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7},"system_fingerprint":null,"suggestions":["More?"]}
            """,
        ];
        Assert.Equal(expected.Length, events.Count - 1);
        foreach (var (chunk, one) in expected.Zip(events)) Assert.EndsWith(chunk.ReplaceLineEndings(""), one.Data, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Complete_RewrittenReply_ChunksHaveTheNewTextAndDeltasKeepTheOld()
    {
        await using var host = await CdpHost.Start();
        using var response = await host.Stream();
        var turn = await host.WaitForTurn();
        await turn.Post(new Cursor(0, 8), Reply.Text("Thinking"));
        await turn.Post(new Cursor(0, 6, 1), new ReplyRewritten(0, 0), Reply.Text("Answer"), Reply.Stop());

        var events = await SseReader.ReadAll(response);

        Assert.Equal(["Thinking", "\n\nAnswer", ""], events.SkipLast(1).Select(one => one.Text));
        Assert.Equal(["Thinking", "Answer", "Answer"], events.SkipLast(1).Select(Whole));
    }

    [Fact]
    public async Task Complete_SeveralAnswersAndAnImage_ChunksAddUpToTheWholeText()
    {
        var image = new ImageItem("i", "https://i.example/1");
        ReplyEvent[] events = [Reply.Text("One"), Reply.Item(1, image), Reply.Text("Two", part: 2, answer: 1), Reply.Stop()];
        await using var host = await CdpHost.Start(() => events);

        using var streamed = await host.Stream();
        using var whole = await host.Chat(GatewayHost.Body());

        const string Expected = "One\n\n![image](https://i.example/1)\n\n\nTwo";
        var chunks = await SseReader.ReadAll(streamed);
        Assert.Equal(Expected, string.Concat(chunks.Select(one => one.Text)));
        Assert.Equal(Expected, Whole(chunks[^2]));
        Assert.Equal(Expected, (await whole.ReadJson()).GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
    }

    [Fact]
    public async Task Complete_LongReply_OnlyTheLastChunkRepeatsIt()
    {
        await using var host = await CdpHost.Start();
        using var response = await host.Stream();
        var turn = await host.WaitForTurn();
        var piece = new string('x', CdpStream.MaxRepeated);
        await turn.Post(new Cursor(0, piece.Length), Reply.Text(piece));
        await turn.Post(new Cursor(0, piece.Length + 1), Reply.Text("y", offset: piece.Length));
        await turn.Post(new Cursor(0, piece.Length + 1), Reply.Stop());

        var events = await SseReader.ReadAll(response);

        Assert.Equal([piece, "", piece + "y"], events.SkipLast(1).Select(Whole));
        Assert.Equal(piece + "y", string.Concat(events.Select(one => one.Text)));
    }

    [Fact]
    public async Task Complete_FailsAfterText_SendsTheErrorAndEndsAbnormally()
    {
        await using var host = await CdpHost.Start();
        using var response = await host.Stream();
        var turn = await host.WaitForTurn();
        await turn.Post(new Cursor(0, 2), Reply.Text("Hi"));
        await turn.Post(new Cursor(0, 2), Reply.Failed(ErrorCode.UpstreamFailed, "Coze says no."));

        await using var reader = new SseReader(response);
        Assert.Equal("Hi", (await reader.Next())!.Text);
        Assert.Equal("""{"error":{"message":"Coze says no.","type":"request_error","param":"","code":"500"}}""", (await reader.Next())!.Data);
        Assert.Null(await reader.Next());
        Assert.True(reader.IsCut);
    }

    [Fact]
    public async Task Complete_FailsAfterText_KeyThatWantsText_GetsTheErrorAsContentToo()
    {
        await using var host = await CdpHost.Start();
        host.Grains.Fleet.Keys[GrainKeys.ApiKeyHash("sk-text")] = new ApiKeyInfo("acme", "text", false) { ErrorText = true };
        using var response = await host.ChatAs("sk-text", GatewayHost.Body(",\"stream\":true"));
        var turn = await host.WaitForTurn();
        await turn.Post(new Cursor(0, 2), Reply.Text("Hi"));
        await turn.Post(new Cursor(0, 2), Reply.Failed(ErrorCode.UpstreamFailed, "Coze says no."));

        var events = await SseReader.ReadAll(response);

        Assert.Equal("Hi\n\n[Error: Coze says no.]", string.Concat(events.Select(one => one.Text)));
        Assert.DoesNotContain(events, one => one.Data == "[DONE]");
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"Hi"}]}""")]
    [InlineData("""{"model":"","messages":[{"role":"user","content":"Hi"}],"channelId":""}""")]
    [InlineData("""{"model":null,"messages":[{"role":"user","content":"Hi"}],"channelId":null,"stream":false}""")]
    public async Task Complete_NoModel_UsesTheDefaultOrTheFirstOne(string body)
    {
        await using var host = await CdpHost.Start(() => Answer);

        Assert.Equal("bot", (await (await host.Chat(body)).ReadJson()).GetProperty("model").GetString());
        host.Grains.Fleet.DefaultModel = "team/bot 1";
        Assert.Equal("team/bot 1", (await (await host.Chat(body)).ReadJson()).GetProperty("model").GetString());
    }

    [Fact]
    public async Task Complete_MembersThatItDidNotKnow_AreIgnored()
    {
        await using var host = await CdpHost.Start(() => Answer);

        using var response = await host.Chat(GatewayHost.Body(
            """
            ,"temperature":9,"n":5,"tools":[{"type":"function"}],"response_format":{"type":"json_object"},"max_tokens":"many",
            "stream_options":{"include_usage":true}
            """));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("""{"content":"Hi"}""", ChatRole.User, "Hi")]
    [InlineData("""{"role":"","content":"Hi"}""", ChatRole.User, "Hi")]
    [InlineData("""{"role":"bot","content":"Hi","name":7}""", ChatRole.User, "Hi")]
    [InlineData("""{"role":"tool","content":"42"}""", ChatRole.Tool, "42")]
    [InlineData("""{"role":"function","name":"f","content":null}""", ChatRole.Tool, "")]
    [InlineData("""{"role":"assistant"}""", ChatRole.Assistant, "")]
    [InlineData("""{"role":"assistant","content":[],"tool_calls":[{"type":"custom"}],"audio":{"id":"a"}}""", ChatRole.Assistant, "")]
    [InlineData("""{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"video"},7,{"type":"refusal","text":"b"}]}""", ChatRole.Assistant, "a\nb")]
    [InlineData("""{"role":"system","content":7}""", ChatRole.System, "")]
    [InlineData("""{"role":"developer","content":[{"type":"text","text":"a"}]}""", ChatRole.System, "a")]
    public async Task Complete_MessageThatOpenAIRefuses_IsReadAsItIs(string message, ChatRole role, string text)
    {
        await using var host = await CdpHost.Start(() => Answer);

        using var response = await host.Chat($$"""{"model":"bot","messages":[{{message}},{"role":"user","content":"Go on"}]}""");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var messages = Assert.Single(host.Grains.Conversations).Request!.Messages;
        Assert.Equal([(role, text), (ChatRole.User, "Go on")], messages.Select(read => (read.Role, read.Text)));
    }

    [Fact]
    public async Task Complete_InstructionsAfterAnAnswer_AreThePrompt()
    {
        await using var host = await CdpHost.Start(() => Answer);

        using var response = await host.Chat("""
            {"model":"bot","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"system","content":"Summarize"}]}
            """);

        Assert.Equal(ChatRole.User, Assert.Single(host.Grains.Conversations).Request!.Messages[^1].Role);
    }

    [Fact]
    public async Task Complete_BodyWithoutJsonType_IsRead()
    {
        await using var host = await CdpHost.Start(() => Answer);
        using var content = new StringContent(GatewayHost.Body(), null, "application/x-www-form-urlencoded");

        using var response = await host.Http.PostAsync("/v1/chat/completions", content);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("application/pdf", typeof(FileContent))]
    [InlineData("image/png", typeof(ImageContent))]
    public async Task Complete_FileInAnImagePart_IsSentAsAFile(string type, Type part)
    {
        await using var host = await CdpHost.Start(() => Answer);

        using var response = await host.Chat($$$"""
            {"model":"bot","messages":[{"role":"user","content":[
            {"type":"text","text":"Read"},{"type":"image_url","image_url":{"url":"data:{{{type}}};base64,AQID"}}]}]}
            """);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.IsType(part, Assert.Single(host.Grains.Conversations).Request!.Messages[0].Content[1]);
    }

    private static string Whole(SseEvent one) => one.Json.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;
}
