using System.Net;
using System.Text.Json;
using CozeCluster.Sandbox.Coze;
using CozeCluster.Sandbox.Gemini;

namespace CozeCluster.EndToEnd.Tests.Older;

/// <summary>Requests that aiproxy's README shows, and those that its code accepts, at the routes that convert.</summary>
public sealed class AiProxyTests(AiProxyNode node) : IClassFixture<AiProxyNode>
{
    private const string Chat = AiProxyNode.Open + "/c/v1/chat/completions";

    [Fact]
    public async Task Coze_api_streams_increments_with_the_ids_to_continue()
    {
        var prompt = AiProxyNode.NewPrompt("text=unicode chunks=20 chunk=3 seed=4 pace=20ms");
        var reply = await node.StreamAsync(Chat, $$"""
            { "messages": [{ "role": "user", "content": "{{prompt}}" }], "model": "coze-api", "provider": "coze",
              "coze": { "conversation": { "type": "api", "bot_id": "{{Bots.Two}}", "conversation_id": "talk-{{prompt[..20]}}", "user": "1000000001" } } }
            """);

        Assert.True(reply.IsDone);
        Assert.True(reply.Chunks.Count > 1);
        var chat = Assert.Single(node.Sandbox.Coze.Chats, chat => IsOf(chat, prompt));
        Assert.Equal((string.Concat(chat.Answers), Bots.Two), (reply.Text, chat.BotId));
        var members = "id,choices,created,model,system_fingerprint,object,coze";
        Assert.All(reply.Chunks, chunk => Assert.Equal(members, string.Join(',', chunk.EnumerateObject().Select(member => member.Name))));
        var first = reply.Chunks[0];
        Assert.Equal(
            $$"""{"type":"api","bot_id":"{{Bots.Two}}","conversation_id":"talk-{{prompt[..20]}}","user":"1000000001"}""",
            first.GetProperty("coze").GetRawText());
        Assert.Equal(($"talk-{prompt[..20]}", "coze-api", "chat.completion.chunk", ""),
            (first.Text("id"), first.Text("model"), first.Text("object"), first.Text("system_fingerprint")));
        var choice = first.GetProperty("choices")[0];
        Assert.Equal("index,message,logprobs,finish_reason", string.Join(',', choice.EnumerateObject().Select(member => member.Name)));
        Assert.Equal(("assistant", ""), (choice.GetProperty("message").Text("role"), choice.Text("finish_reason")));
    }

    [Fact]
    public async Task Coze_conversation_continues_with_the_returned_object()
    {
        var first = await node.StreamAsync(Chat, Coze(AiProxyNode.NewPrompt("say=one")));
        var coze = first.Chunks[0].GetProperty("coze");
        var prompt = AiProxyNode.NewPrompt("say=two");
        var second = await node.StreamAsync(Chat, Coze(prompt, $",\"coze\":{{\"conversation\":{coze.GetRawText()}}}"));

        Assert.Equal(coze.GetRawText(), second.Chunks[0].GetProperty("coze").GetRawText());
        var chats = node.Sandbox.Coze.Chats;
        var last = Assert.Single(chats, chat => IsOf(chat, prompt));
        Assert.Equal(2, chats.Count(chat => chat.ConversationId == last.ConversationId));
        Assert.Single(last.RequestMessages);
    }

    [Fact]
    public async Task Coze_gets_the_last_message_of_the_user_alone()
    {
        var prompt = AiProxyNode.NewPrompt("say=ok");
        await node.StreamAsync(Chat, $$"""
            { "messages": [{ "role": "system", "content": "Rules" }, { "role": "user", "content": "old" }, { "role": "assistant", "content": "answer" },
              { "role": "user", "content": "{{prompt}}" }], "model": "coze-api", "provider": "coze" }
            """);

        var chat = Assert.Single(node.Sandbox.Coze.Chats, chat => IsOf(chat, prompt));
        Assert.Equal(prompt, Assert.Single(chat.RequestMessages).Content);
    }

    [Fact]
    public async Task Headers_decide_over_the_body_if_all_three_are_there()
    {
        (string, string)[] ids = [("x-auth-id", "header-user"), ("x-bot-id", Bots.Two)];
        var body = $$""","coze":{"conversation":{"bot_id":"{{Bots.One}}","user":"body-user"} }""";
        var (with, without) = (AiProxyNode.NewPrompt("say=a"), AiProxyNode.NewPrompt("say=b"));
        await node.StreamAsync(Chat, Coze(with, body), [.. ids, ("Authorization", $"Bearer {TestFleet.Key}")]);
        await node.StreamAsync(Chat, Coze(without, body), ids);

        Assert.Equal(Bots.Two, Assert.Single(node.Sandbox.Coze.Chats, chat => IsOf(chat, with)).BotId);
        Assert.Equal(Bots.One, Assert.Single(node.Sandbox.Coze.Chats, chat => IsOf(chat, without)).BotId);
    }

    [Fact]
    public async Task X_bot_id_chooses_the_bot()
    {
        var prompt = AiProxyNode.NewPrompt("say=a");
        var reply = await node.StreamAsync(Chat, Coze(prompt), ("x-auth-id", "u1"), ("x-bot-id", Bots.Two));

        Assert.Equal(Bots.Two, Assert.Single(node.Sandbox.Coze.Chats, chat => IsOf(chat, prompt)).BotId);
        Assert.Equal((Bots.Two, "u1"), (reply.Chunks[0].GetProperty("coze").Text("bot_id"), reply.Chunks[0].GetProperty("coze").Text("user")));
    }

    [Fact]
    public async Task Unknown_bot_is_an_error_with_four_texts()
    {
        using var response = await node.PostAsync(Chat, Coze("Hi", ""","coze":{"conversation":{"bot_id":"1","user":"2"}}"""));

        var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestTimeout.Token)).RootElement.GetProperty("error");
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("message,type,param,code", string.Join(',', error.EnumerateObject().Select(member => member.Name)));
        Assert.All(error.EnumerateObject(), member => Assert.Equal(JsonValueKind.String, member.Value.ValueKind));
    }

    [Fact]
    public async Task Image_parts_reach_the_bot()
    {
        var prompt = AiProxyNode.NewPrompt("say=ok");
        await node.StreamAsync(Chat, $$"""
            { "messages": [{ "role": "user", "content": [{ "type": "text", "text": "{{prompt}}" },
              { "type": "image_url", "image_url": { "url": "https://example.com/a.png" } }] }], "model": "gpt-4-vision", "provider": "coze" }
            """);

        var chat = Assert.Single(node.Sandbox.Coze.Chats, chat => chat.RequestMessages.Any(message => message.Content.Contains(prompt[..20])));
        Assert.Contains("https://example.com/a.png", Assert.Single(chat.RequestMessages).Content, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cut_reply_has_an_error_and_no_DONE()
    {
        var reply = await node.StreamAsync(Chat, Coze(AiProxyNode.NewPrompt("chunks=20 failed_after=5"), model: "second"));

        Assert.NotEmpty(reply.Text);
        Assert.False(reply.IsDone);
        Assert.True(reply.IsCut);
        Assert.Equal(JsonValueKind.Object, reply.Error.ValueKind);
    }

    [Theory]
    [InlineData("claude", """{"type":"api","index":"10001","conversation":null}""")]
    [InlineData("gemini", """{"type":"api","index":"10001"}""")]
    public async Task Claude_and_gemini_stream_with_their_objects(string provider, string expected)
    {
        var prompt = AiProxyNode.NewPrompt("say=Hello");
        var reply = await node.StreamAsync(Chat, $$"""
            { "messages": [{ "role": "user", "content": "{{prompt}}" }], "model": "{{provider}}-of-old", "provider": "{{provider}}",
              "{{provider}}": { "type": "api", "index": "10001" } }
            """);

        Assert.Equal(("Hello", true), (reply.Text, reply.IsDone));
        Assert.Equal(expected, reply.Chunks[0].GetProperty(provider).GetRawText());
        Assert.Equal($"{provider}-of-old", reply.Chunks[0].Text("model"));
    }

    [Fact]
    public async Task X_auth_id_is_echoed_before_the_index()
    {
        var body = $$"""{"messages":[{"role":"user","content":"[[say=Hi]]"}],"model":"x","provider":"gemini","gemini":{"index":"1"} }""";
        Assert.Equal("2", (await node.StreamAsync(Chat, body, ("x-auth-id", "2"))).Chunks[0].GetProperty("gemini").Text("index"));
        Assert.Equal("1", (await node.StreamAsync(Chat, body)).Chunks[0].GetProperty("gemini").Text("index"));
    }

    [Fact]
    public async Task Claude_gets_the_history_and_the_settings()
    {
        var prompt = AiProxyNode.NewPrompt("say=ok");
        await node.StreamAsync(Chat, $$"""
            { "messages": [{ "role": "system", "content": "Rules" }, { "role": "user", "content": "old" }, { "role": "assistant", "content": "answer" },
              { "role": "user", "content": "{{prompt}}" }], "model": "x", "provider": "claude", "max_tokens": 77, "temperature": 0.5 }
            """);

        var sent = JsonDocument.Parse(Assert.Single(node.Sandbox.Claude.Messages, message => message.Body.Contains(prompt[..20])).Body).RootElement;
        Assert.Equal((3, 77), (sent.GetProperty("messages").GetArrayLength(), sent.GetProperty("max_tokens").GetInt32()));
        Assert.Contains("Rules", sent.GetProperty("system").GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Claude_request_is_answered_in_the_form_of_OpenAI()
    {
        var prompt = AiProxyNode.NewPrompt("say=ok");
        var reply = await node.StreamAsync(AiProxyNode.Open + "/claude/api/openai", $$"""
            { "model": "claude-3-opus-20240229", "max_tokens": 99, "system": "Rules", "messages": [{ "role": "user", "content": [
              { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo=" } },
              { "type": "text", "text": "{{prompt}}" }] }] }
            """);

        Assert.Equal(("ok", true, "claude-3-opus-20240229"), (reply.Text, reply.IsDone, reply.Chunks[0].Text("model")));
        Assert.Equal("api", reply.Chunks[0].GetProperty("claude").Text("type"));
        var sent = Assert.Single(node.Sandbox.Claude.Messages, message => message.Body.Contains(prompt[..20])).Body;
        Assert.Contains("iVBORw0KGgo", sent, StringComparison.Ordinal);
        Assert.Contains("\"max_tokens\":99", sent, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"parts":[{"text":"Rules"}]}""")]
    [InlineData("""[{"role":"user","parts":[{"text":"Rules"}]}]""")]
    public async Task Gemini_request_is_answered_in_the_form_of_OpenAI(string instruction)
    {
        var prompt = AiProxyNode.NewPrompt("say=ok");
        var reply = await node.StreamAsync(AiProxyNode.Open + "/gemini/openai", $$"""
            { "model": "gemini-pro", "contents": [{ "role": "user", "parts": [{ "text": "old" }] }, { "role": "model", "parts": [{ "text": "answer" }] },
              { "role": "user", "parts": [{ "text": "{{prompt}}" }] }], "systemInstruction": {{instruction}}, "generationConfig": { "maxOutputTokens": 50 } }
            """);

        Assert.Equal(("ok", true, "gemini-pro"), (reply.Text, reply.IsDone, reply.Chunks[0].Text("model")));
        var call = Assert.Single(node.Sandbox.Gemini.Calls, call => call.Prompt.Contains(prompt[..20], StringComparison.Ordinal));
        Assert.Equal(FakeGemini.Key, call.Key);
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"[[say=Hi]]"}],"model":"gpt-3.5-turbo"}""")]
    [InlineData("""{"messages":[{"role":"user","content":"[[say=Hi]]"}],"model":"gpt-3.5-turbo","provider":"of-tomorrow"}""")]
    public async Task Unknown_provider_uses_the_model_for_OpenAI_where_nothing_is_passed_through(string body)
    {
        using var response = await node.PostAsync(AiProxyNode.Closed + "/c/v1/chat/completions", body);

        var completion = JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestTimeout.Token)).RootElement;
        Assert.Equal(("Hi", "gpt-3.5-turbo"), (completion.GetProperty("choices")[0].GetProperty("message").Text("content"), completion.Text("model")));
    }

    [Fact]
    public async Task Standard_routes_answer_where_nothing_is_passed_through()
    {
        using var response = await node.SendAsync(HttpMethod.Get, AiProxyNode.Closed + "/v1/models");

        Assert.Contains("\"helper\"", await response.Content.ReadAsStringAsync(TestTimeout.Token), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("POST", "/c/v1/chat/completions", """{"messages":[{"role":"user","content":"你是谁？"}],"model":"x","provider":"openai-chat-web"}""")]
    [InlineData("POST", "/c/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}],"model":"x","provider":"bing"}""")]
    [InlineData("POST", "/c/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}],"model":"x","provider":"claude","claude":{"type":"web"}}""")]
    [InlineData("GET", "/backend-api/models")]
    [InlineData("POST", "/backend-api/web2api", "{}")]
    [InlineData("POST", "/backend-anon/web2api", "{}")]
    [InlineData("POST", "/backend-anon/conversation", "{}")]
    [InlineData("GET", "/public-api/gizmos")]
    [InlineData("GET", "/claude/web/api/organizations")]
    [InlineData("GET", "/bing/conversation")]
    [InlineData("DELETE", "/bing/conversation")]
    [InlineData("POST", "/bing/message", "{}")]
    [InlineData("POST", "/auth/token/web", """{"email":"a@b.c","password":"p"}""")]
    [InlineData("POST", "/auth/token/platform/refresh", "{}")]
    [InlineData("POST", "/auth/session/platform", "{}")]
    [InlineData("POST", "/arkose/token/pk", "{}")]
    [InlineData("POST", "/arkose/solve/pk", "{}")]
    [InlineData("GET", "/gptimage/file-1")]
    [InlineData("GET", "/v1/files")]
    [InlineData("POST", "/claude/api/v1/messages", "{}")]
    [InlineData("GET", "/gemini/v1beta/models")]
    public async Task Ways_that_do_not_exist_say_why_with_501(string method, string path, string? body = null)
    {
        using var response = await node.SendAsync(new HttpMethod(method), AiProxyNode.Closed + path, body);

        var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestTimeout.Token)).RootElement.GetProperty("error");
        Assert.Equal((501, "not_implemented"), ((int)response.StatusCode, error.Text("code")));
        Assert.True(error.Text("message")!.Length > 30);
        Assert.Equal("false", response.Headers.GetValues("x-should-retry").Single());
    }

    [Fact]
    public async Task Ping_is_ok()
    {
        using var response = await node.SendAsync(HttpMethod.Get, AiProxyNode.Keyed + "/ping");

        Assert.Equal("""{"ping":"ok"}""", await response.Content.ReadAsStringAsync(TestTimeout.Token));
    }

    [Theory]
    [InlineData("/c/v1/chat/completions", "invalid_parameter", """{"model":"coze-api","provider":"coze"}""")]
    [InlineData("/c/v1/chat/completions", "invalid_parameter", "not json")]
    [InlineData("/c/v1/chat/completions", "invalid_parameter", """{"model":"coze-api","provider":"coze","messages":[{"role":"assistant","content":"x"}]}""")]
    [InlineData("/claude/api/openai", "invalid_parameter", """{"model":"x","messages":[{"role":"model","content":"x"}]}""")]
    [InlineData("/claude/api/openai", "invalid_parameter", """{"model":"x","messages":[{"role":"user","content":[{"type":"tool_result"}]}]}""")]
    [InlineData("/gemini/openai", "invalid_parameter", """{"model":"x","contents":[]}""")]
    [InlineData("/gemini/openai", "invalid_parameter", """{"model":"x","contents":[{"parts":[{"inlineData":{"data":"?"}}]}]}""")]
    public async Task Invalid_bodies_are_errors_of_the_client(string path, string code, string body)
    {
        using var response = await node.PostAsync(AiProxyNode.Open + path, body);

        var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestTimeout.Token)).RootElement.GetProperty("error");
        Assert.Equal((400, code, "invalid_request_error"), ((int)response.StatusCode, error.Text("code"), error.Text("type")));
    }

    private static bool IsOf(CozeChat chat, string prompt) => chat.Prompt.Contains(prompt[..20], StringComparison.Ordinal);

    private static string Coze(string prompt, string more = "", string model = "coze-api") =>
        $$"""{"messages":[{"role":"user","content":"{{prompt}}"}],"model":"{{model}}","provider":"coze"{{more}}}""";
}
