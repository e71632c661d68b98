using System.Net;
using System.Text;
using CozeCluster.Gateway.Surfaces.Ccp;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Ccp;

public sealed class CcpTests
{
    private static readonly (string, string) Key = ("Authorization", "Bearer sk-test");

    [Fact]
    public async Task Ccp_root_greets()
    {
        await using var host = await OldClients.Start(CompatMode.Ccp, []);

        using var response = await host.Send("GET", "/");

        Assert.Equal("""{"message":"Hello world! This is coze-chat-proxy."}""", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Ccp_whole_reply_has_its_shape()
    {
        await using var host = await OldClients.Start(CompatMode.Ccp, [Reply.Text("炒不了"), Reply.Stop(new Usage(3, 4, 7))]);

        using var response = await Chat(host, """{"model":"bot","messages":[{"role":"user","content":"怎么做？"}],"stream":false}""");

        Assert.Equal(
            $$$"""
            {"id":"chatcmpl-{{{response.ReadTurnId()[5..]}}}","object":"chat.completion","created":1767225600,"model":"bot",
            "usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7},
            "choices":[{"message":{"role":"assistant","content":"炒不了"},"finish_reason":"stop","index":0}]}
            """.ReplaceLineEndings(""),
            await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Ccp_stream_has_its_shape()
    {
        await using var host = await OldClients.Start(CompatMode.Ccp, [Reply.Text("He\"l"), Reply.Text("lo", offset: 4), Reply.Stop()]);

        using var response = await Chat(host, """{"model":"bot","messages":[{"role":"user","content":"Hi"}],"stream":true}""");
        var text = await response.Content.ReadAsStringAsync();

        var head = $$"""data: {"id":"chatcmpl-{{response.ReadTurnId()[5..]}}","object":"chat.completion.chunk","created":1767225600,"model":"bot","choices":""";
        Assert.Equal(
            $$$"""
            {{{head}}}[{"delta":{"content":"He\"l"},"index":0,"finish_reason":""}]}

            {{{head}}}[{"delta":{"content":"lo"},"index":0,"finish_reason":""}]}

            {{{head}}}[{"delta":{"content":""},"index":0,"finish_reason":"stop"}]}

            data: [DONE]


            """,
            text);
    }

    [Fact]
    public async Task Ccp_stream_that_is_cut_never_looks_whole()
    {
        var grains = new FakeGrains
        {
            OnBegin = async conversation => await conversation.Post(
                new Cursor(0, 2), Reply.Text("He"), Reply.Failed(ErrorCode.UpstreamTimeout, "The bot did not answer.")),
        };
        await using var host = await OldClients.Start(CompatMode.Ccp, grains);

        using var response = await Chat(host, """{"model":"bot","messages":[{"role":"user","content":"Hi"}],"stream":true}""");
        await using var reader = new SseReader(response);
        var events = new List<SseEvent>();
        while (await reader.Next() is { } next) events.Add(next);

        Assert.True(reader.IsCut);
        Assert.Equal("He", string.Concat(events.Select(e => e.Text)));
        Assert.Equal("""{"detail":"The bot did not answer."}""", events[^1].Data);
    }

    [Fact]
    public async Task Ccp_accepts_a_comma_after_the_last_member()
    {
        await using var host = await OldClients.Start(CompatMode.Ccp, [Reply.Text("Hi"), Reply.Stop()]);

        using var response = await Chat(host, """{"model":"bot","messages":[{"role":"user","content":"Hi",},],"stream":false,}""");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.True((await response.ReadJson()).TryGetProperty("choices", out _));
    }

    [Fact]
    public async Task Ccp_joins_the_contents_and_drops_the_roles()
    {
        await using var host = await OldClients.Start(CompatMode.Ccp, [Reply.Text("Hi"), Reply.Stop()]);

        using var response = await Chat(
            host, """
            {"model":"bot","messages":[{"role":"system","content":"Be brief."},{"role":"assistant","content":"Hello"},{"role":"user","content":"Hi"}]}
            """);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var request = Assert.Single(host.Grains.Conversations).Request!;
        var message = Assert.Single(request.Messages);
        Assert.Equal((ChatRole.User, "Be brief.\nHello\nHi\n", null), (message.Role, message.Text, request.ConversationName));
    }

    [Fact]
    public async Task Ccp_cuts_a_long_history_at_its_beginning()
    {
        await using var host = await OldClients.Start(CompatMode.Ccp, [Reply.Text("Hi"), Reply.Stop()]);

        using var response = await Chat(
            host, $$"""{"model":"bot","messages":[{"role":"user","content":"{{new string('a', 3000)}}"},{"role":"user","content":"the end"}]}""");

        var text = Assert.Single(Assert.Single(host.Grains.Conversations).Request!.Messages).Text;
        Assert.Equal(1999, text.Length);
        Assert.EndsWith("a\nthe end\n", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Ccp_cut_keeps_whole_characters(int more)
    {
        var text = string.Concat(Enumerable.Repeat("好🙂é", 300)) + new string('x', more);

        var kept = CcpRequest.KeepEnd(text, 2000);

        Assert.InRange(Encoding.UTF8.GetByteCount(kept), 1996, 1999);
        Assert.EndsWith(kept, text, StringComparison.Ordinal);
        Assert.DoesNotContain('\uFFFD', Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(kept)));
    }

    [Fact]
    public async Task Ccp_option_allows_a_longer_history()
    {
        await using var host = await OldClients.Start(CompatMode.Ccp, [Reply.Text("Hi"), Reply.Stop()], OldClients.With(("history_bytes", "0")));

        using var response = await Chat(host, $$"""{"model":"bot","messages":[{"role":"user","content":"{{new string('a', 3000)}}"}]}""");

        Assert.Equal(3001, Assert.Single(Assert.Single(host.Grains.Conversations).Request!.Messages).Text.Length);
    }

    [Fact]
    public async Task Ccp_pictures_of_the_last_message_go_with_the_text()
    {
        await using var host = await OldClients.Start(CompatMode.Ccp, [Reply.Text("Hi"), Reply.Stop()]);
        var picture = Convert.ToBase64String([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]);

        using var response = await Chat(host, $$$"""
            {"model":"bot","messages":[{"role":"user","content":[{"type":"text","text":"What is this?"},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,{{{picture}}}"}},
            {"type":"image_url","image_url":{"url":"https://i.example/1.png"}}]}]}
            """);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var parts = Assert.Single(Assert.Single(host.Grains.Conversations).Request!.Messages).Content;
        Assert.Equal("What is this?\n", Assert.IsType<TextContent>(parts[0]).Text);
        Assert.Equal("image/png", Assert.IsType<ImageContent>(parts[1]).Source.Blob!.ContentType);
        Assert.Equal("https://i.example/1.png", Assert.IsType<ImageContent>(parts[2]).Source.Url);
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("Bearer sk-wrong", "invalid_api_key")]
    public async Task Ccp_wrong_keys_get_a_flat_error(string? authorization, string? code)
    {
        await using var host = await OldClients.Start(CompatMode.Ccp, []);

        using var response = await host.Send(
            "POST", "/v1/chat/completions", GatewayHost.Json("{}"), authorization is null ? [] : [("Authorization", authorization)]);
        var json = await response.ReadJson();

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal(["message", "type", "param", "code"], json.EnumerateObject().Select(member => member.Name));
        Assert.Equal(("invalid_request_error", code), (json.GetProperty("type").GetString(), json.GetProperty("code").GetString()));
    }

    [Theory]
    [InlineData("/v1/chat/completions", "{", "Invalid parameter")]
    [InlineData("/v1/chat/completions", "[]", "Invalid parameter")]
    [InlineData("/v1/chat/completions", """{"model":"bot"}""", "Invalid parameter")]
    [InlineData("/v1/chat/completions", """{"model":"bot","messages":[{"role":"user","content":""}]}""", "Invalid parameter")]
    [InlineData("/v1/images/generations", """{"model":"bot"}""", "Invalid parameter")]
    [InlineData("/v1/chat/completions", """{"model":"nobody","messages":[{"role":"user","content":"Hi"}]}""", "model is not supported")]
    [InlineData("/v1/images/generations", """{"model":"nobody","prompt":"A cat"}""", "model is not supported")]
    public async Task Ccp_wrong_requests_get_a_detail(string path, string body, string detail)
    {
        await using var host = await OldClients.Start(CompatMode.Ccp, []);

        using var response = await host.Send("POST", path, GatewayHost.Json(body), Key);

        Assert.Equal((HttpStatusCode.OK, detail), (response.StatusCode, (await response.ReadJson()).GetProperty("detail").GetString()));
        Assert.Empty(host.Grains.Conversations);
    }

    [Theory]
    [InlineData(ErrorCode.UpstreamFailed, 500, "It broke.")]
    [InlineData(ErrorCode.UpstreamTimeout, 500, "It broke.")]
    [InlineData(ErrorCode.RateLimited, 429, "It broke.")]
    public async Task Ccp_failed_turns_get_a_detail(ErrorCode code, int status, string detail)
    {
        await using var host = await OldClients.Start(CompatMode.Ccp, [Reply.Failed(code, "It broke.")]);

        using var response = await Chat(host, """{"model":"bot","messages":[{"role":"user","content":"Hi"}]}""");

        Assert.Equal((status, $$"""{"detail":"{{detail}}"}"""), ((int)response.StatusCode, await response.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task Ccp_image_has_url_and_bytes()
    {
        await using var host = await OldClients.Start(CompatMode.Ccp, [Reply.Text("Here: ![cat](https://i.example/cat)"), Reply.Stop()]);

        using var response = await host.Send(
            "POST", "/v1/images/generations", GatewayHost.Json("""{"model":"bot","prompt":"A cute dog","n":1,"size":"1024x1024"}"""), Key);

        var bytes = Convert.ToBase64String(Encoding.UTF8.GetBytes("https://i.example/cat"));
        Assert.Equal(
            $$"""{"created":1767225600,"data":[{"url":"https://i.example/cat","b64_json":"{{bytes}}"}]}""", await response.Content.ReadAsStringAsync());
        Assert.Equal("A cute dog", Assert.Single(Assert.Single(host.Grains.Conversations).Request!.Messages).Text);
    }

    [Fact]
    public async Task Ccp_image_that_cannot_be_loaded_keeps_its_url()
    {
        await using var host = await OldClients.Start(CompatMode.Ccp, [Reply.Text("![cat](https://i.example/cat)"), Reply.Stop()]);
        host.Grains.Fetcher.Broken.Add("https://i.example/cat");

        using var response = await host.Send("POST", "/v1/images/generations", GatewayHost.Json("""{"model":"bot","prompt":"A cat"}"""), Key);

        Assert.Equal("""[{"url":"https://i.example/cat","b64_json":""}]""", (await response.ReadJson()).GetProperty("data").GetRawText());
    }

    [Fact]
    public async Task Ccp_image_errors_have_their_words()
    {
        await using var none = await OldClients.Start(CompatMode.Ccp, [Reply.Text("No."), Reply.Stop()]);
        using var noImage = await none.Send("POST", "/v1/images/generations", GatewayHost.Json("""{"model":"bot","prompt":"A cat"}"""), Key);
        Assert.Equal((500, "no data generated"), ((int)noImage.StatusCode, (await noImage.ReadJson()).GetProperty("detail").GetString()));

        await using var slow = await OldClients.Start(CompatMode.Ccp, [Reply.Failed(ErrorCode.UpstreamTimeout, "Too late.")]);
        using var timeout = await slow.Send("POST", "/v1/images/generations", GatewayHost.Json("""{"model":"bot","prompt":"A cat"}"""), Key);
        Assert.Equal((500, "time out"), ((int)timeout.StatusCode, (await timeout.ReadJson()).GetProperty("detail").GetString()));
    }

    private static Task<HttpResponseMessage> Chat(GatewayHost host, string body) =>
        host.Send("POST", "/v1/chat/completions", GatewayHost.Json(body), Key);
}
