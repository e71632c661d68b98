using System.Net;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Cdb;

/// <summary>OpenAI's routes of the Bridge.</summary>
public sealed class CdbOpenAiTests
{
    private static readonly (string, string) Key = ("Authorization", "Bearer sk-test");

    private const string Talk = """
        "messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"One"},{"role":"assistant","content":"1"},{"role":"user","content":"Two"}]
        """;

    [Fact]
    public async Task Cdb_completion_streams_unless_the_client_declines()
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, [Reply.Text("He\"l"), Reply.Text("lo", offset: 4), Reply.Stop()]);

        using var response = await Ask(host, $$"""{"model":"gpt-4",{{Talk}}}""");
        var text = await response.Content.ReadAsStringAsync();

        const string Head = """data: {"id":"chatcmpl-default","object":"chat.completion.chunk","created":1767225600,"model":"gpt-4","choices":""";
        Assert.Equal(
            $$$"""
            {{{Head}}}[{"index":0,"delta":{"role":"assistant","content":""}}]}

            {{{Head}}}[{"index":0,"delta":{"content":"He\"l"}}]}

            {{{Head}}}[{"index":0,"delta":{"content":"lo"}}]}

            data: [DONE]


            """,
            text);
        Assert.Equal("text/event-stream; charset=utf-8", response.Content.Headers.ContentType!.ToString());
    }

    [Fact]
    public async Task Cdb_whole_completion_has_its_text_in_delta_and_message()
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, [Reply.Text("2"), Reply.Stop(new Usage(3, 4, 7))]);

        using var response = await Ask(host, $$"""{"model":"gpt-4","stream":false,{{Talk}}}""");

        const string Usage = """
            "usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}
            """;
        Assert.Equal(
            $$$"""
            {"id":"chatcmpl-default","object":"chat.completion","created":1767225600,"model":"gpt-4",
            "choices":[{"index":0,"delta":{"role":"assistant","content":"2"},"message":{"role":"assistant","content":"2"},"finish_reason":"stop",{{{Usage}}}}],
            {{{Usage}}}}
            """.ReplaceLineEndings(""),
            await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Cdb_completion_that_is_cut_never_looks_whole()
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, [Reply.Text("He"), Reply.Failed(ErrorCode.UpstreamTimeout, "Too late.")]);

        using var response = await Ask(host, $$"""{"model":"gpt-4",{{Talk}}}""");
        await using var reader = new SseReader(response);
        var events = new List<SseEvent>();
        while (await reader.Next() is { } next) events.Add(next);

        Assert.True(reader.IsCut);
        Assert.Equal("""{"error":{"message":"RecvMsgException:Too late.","type":"one_api_error"}}""", events[^1].Data);
    }

    [Theory]
    [InlineData("0", "gpt-4-0613", "Two", "default")]
    [InlineData("0", "story", "Two", "default")]
    [InlineData("1", "gpt-4-0613", "P\n\nsystem:Be brief.\nuser:One\nassistant:1\nuser:Two\n\nS", "default")]
    [InlineData("1", "bot", "P\n\nsystem:Be brief.\nuser:One\nassistant:1\nuser:Two\n\nS", "default")]
    [InlineData("1", "story", "P\n\nsystem:Be brief.\nuser:One\nassistant:1\nuser:Two\n\nS", "story")]
    [InlineData("2", "gpt-4-0613", "Two", "gpt-4-0613")]
    [InlineData("2", "story", "Two", "story")]
    [InlineData("3", "story", "P\n\nsystem:Be brief.\nuser:One\nassistant:1\nuser:Two\n\nS", "default")]
    public async Task Cdb_flattening_modes_choose_prompt_and_conversation(string mode, string model, string prompt, string conversation)
    {
        await using var host = await OldClients.Start(
            CompatMode.Cdb, [Reply.Text("2"), Reply.Stop()], OldClients.With(("flatten", mode), ("prefix", "P"), ("suffix", "S")));

        using var response = await Ask(host, $$"""{"model":"{{model}}","stream":false,{{Talk}}}""");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var request = Assert.Single(host.Grains.Conversations).Request!;
        Assert.Equal((prompt, conversation, "bot"), (Assert.Single(request.Messages).Text, request.ConversationName, request.Model));
        Assert.Equal(conversation, Assert.Single(host.Grains.Bridge().All).Name);
    }

    [Fact]
    public async Task Cdb_default_conversation_and_model_are_options()
    {
        await using var host = await OldClients.Start(
            CompatMode.Cdb, [Reply.Text("2"), Reply.Stop()], OldClients.With(("default_conversation", "main"), ("default_model", "team/bot 1")));

        using var response = await Ask(host, $$"""{"stream":false,{{Talk}}}""");

        var request = Assert.Single(host.Grains.Conversations).Request!;
        Assert.Equal(("main", "team/bot 1"), (request.ConversationName, request.Model));
        // Without prefix and suffix there are no blank lines for them.
        Assert.Equal("system:Be brief.\nuser:One\nassistant:1\nuser:Two", Assert.Single(request.Messages).Text);
        Assert.Equal("team/bot 1", (await response.ReadJson()).GetProperty("model").GetString());
    }

    [Theory]
    [InlineData("""{"model":"gpt-4"}""", "无效的请求")]
    [InlineData("""{"model":"gpt-4","messages":[]}""", "InvalidPromptException")]
    [InlineData("""{"model":"gpt-4","messages":[{"role":"user","content":" "}]}""", "InvalidPromptException")]
    [InlineData("""{"model":""", "InvalidPromptException")]
    public async Task Cdb_completion_errors_have_an_error_object(string body, string message)
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, [], OldClients.With(("flatten", "0")));

        using var response = await Ask(host, body);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith(message, await response.ReadError("message"), StringComparison.Ordinal);
        Assert.Equal("one_api_error", await response.ReadError("type"));
    }

    [Fact]
    public async Task Cdb_parts_are_text_and_pictures()
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, [Reply.Text("A cat."), Reply.Stop()]);

        using var response = await Ask(host, """
            {"stream":false,"messages":[{"role":"user","content":[{"type":"text","text":"What is it?"},
            {"type":"image_url","image_url":{"url":"https://i.example/1.png"}}]}]}
            """);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var parts = Assert.Single(Assert.Single(host.Grains.Conversations).Request!.Messages).Content;
        Assert.Equal("user:What is it?", Assert.IsType<TextContent>(parts[0]).Text);
        Assert.Equal("https://i.example/1.png", Assert.IsType<ImageContent>(parts[1]).Source.Url);
    }

    [Fact]
    public async Task Cdb_models_are_those_of_the_tenant()
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, []);

        using var response = await host.Send("GET", "/v1/models", null, Key);

        Assert.Equal(
            """{"id":"bot","object":"model","created":1700000000,"owned_by":"openai"}""", (await response.ReadJson()).GetProperty("data")[0].GetRawText());
    }

    [Theory]
    [InlineData(null, "画图A cat")]
    [InlineData("Draw: ", "Draw: A cat!")]
    public async Task Cdb_image_prompt_has_prefix_and_suffix(string? prefix, string prompt)
    {
        await using var host = await OldClients.Start(
            CompatMode.Cdb, [Reply.Text("![](https://i.example/1) ![](https://i.example/2)"), Reply.Stop()],
            prefix is null ? null : OldClients.With(("image_prefix", prefix), ("image_suffix", "!"), ("image_conversation", "drawings")));

        using var response = await host.Send("POST", "/v1/images/generations", GatewayHost.Json("""{"prompt":"A cat"}"""), Key);

        Assert.Equal(
            """{"created":1767225600,"data":[{"url":"https://i.example/1"},{"url":"https://i.example/2"}]}""", await response.Content.ReadAsStringAsync());
        var request = Assert.Single(host.Grains.Conversations).Request!;
        Assert.Equal((prompt, prefix is null ? "default" : "drawings"), (Assert.Single(request.Messages).Text, request.ConversationName));
    }

    [Fact]
    public async Task Cdb_reply_without_an_image_is_an_error()
    {
        await using var host = await OldClients.Start(CompatMode.Cdb, [Reply.Text("No."), Reply.Stop()]);

        using var response = await host.Send("POST", "/v1/images/generations", GatewayHost.Json("""{"prompt":"A cat"}"""), Key);

        Assert.Equal((HttpStatusCode.BadRequest, "one_api_error"), (response.StatusCode, await response.ReadError("type")));
    }

    private static Task<HttpResponseMessage> Ask(GatewayHost host, string body) => host.Send("POST", "/v1/chat/completions", GatewayHost.Json(body), Key);
}
