using System.Text.Json;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Chat;

/// <summary>Which request bodies are accepted, and with which errors others are rejected.</summary>
public sealed class ChatRequestTests(ChatRequestTests.Shared shared) : IClassFixture<ChatRequestTests.Shared>
{
    private const string User = """{"role":"user","content":"Hi"}""";

    [Theory]
    // Fields that chat applications send with values that ask for nothing
    [InlineData("""{"n":1.0,"max_tokens":4096.0,"max_completion_tokens":4.096e3,"seed":-7.0,"top_logprobs":0.0}""")]
    [InlineData("""{"n":1,"temperature":0.7,"top_p":1,"presence_penalty":0,"frequency_penalty":0,"max_tokens":0,"stop":null,"logit_bias":{},"user":""}""")]
    [InlineData("""{"tools":[],"tool_choice":"auto","functions":[],"function_call":"auto","parallel_tool_calls":true,"response_format":{"type":"text"}}""")]
    [InlineData(
        """{"logprobs":false,"top_logprobs":0,"modalities":["text"],"audio":null,"prediction":null""" +
        ""","web_search_options":null,"stream":false,"stream_options":null}""")]
    [InlineData("""{"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"none"}""")]
    [InlineData("""{"reasoning_effort":"high","verbosity":"low","service_tier":"auto","store":true,"seed":7,"stop":["a","b"],"max_completion_tokens":4000}""")]
    [InlineData("""{"metadata":{"a":"b"},"safety_identifier":"u","custom_variables":{"x":"y"},"prompt_cache_key":"k","some_field_of_tomorrow":{"a":[1,{}]}}""")]
    public async Task Harmless_fields_are_accepted(string fields)
    {
        using var response = await shared.Host.Chat($"{{\"model\":\"bot\",\"messages\":[{User}],{fields.Trim()[1..]}");
        var message = (await response.ReadJson()).GetProperty("choices")[0].GetProperty("message");
        Assert.Equal("ok", message.GetProperty("content").GetString());
    }

    [Theory]
    [InlineData("\"n\":9", "n")]
    [InlineData("\"n\":0", "n")]
    [InlineData("\"n\":\"1\"", "n")]
    [InlineData("\"tools\":[{\"type\":\"function\"}]", "tools")]
    [InlineData("\"tools\":{}", "tools")]
    [InlineData("\"tool_choice\":\"required\"", "tool_choice")]
    [InlineData("\"tool_choice\":{\"type\":\"function\"}", "tool_choice")]
    [InlineData("\"tool_choice\":\"maybe\"", "tool_choice")]
    [InlineData("\"functions\":[{}]", "functions")]
    [InlineData("\"response_format\":{\"type\":\"json_object\"}", "response_format")]
    [InlineData("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{}}", "response_format")]
    [InlineData("\"response_format\":{\"type\":\"yaml\"}", "response_format.type")]
    [InlineData("\"response_format\":{}", "response_format.type")]
    [InlineData("\"logprobs\":true", "logprobs")]
    [InlineData("\"top_logprobs\":3", "top_logprobs")]
    [InlineData("\"modalities\":[\"text\",\"audio\"]", "modalities")]
    [InlineData("\"modalities\":[1]", "modalities[0]")]
    [InlineData("\"audio\":{\"voice\":\"a\"}", "audio")]
    [InlineData("\"prediction\":{\"type\":\"content\"}", "prediction")]
    [InlineData("\"web_search_options\":{}", "web_search_options")]
    [InlineData("\"temperature\":2.5", "temperature")]
    [InlineData("\"temperature\":\"hot\"", "temperature")]
    [InlineData("\"temperature\":1e999", "temperature")]
    [InlineData("\"max_tokens\":1.5", "max_tokens")]
    [InlineData("\"seed\":99999999999999999999", "seed")]
    [InlineData("\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]", "stop")]
    [InlineData("\"stop\":[\"a\",2]", "stop[1]")]
    [InlineData("\"stream\":\"yes\"", "stream")]
    [InlineData("\"stream_options\":{\"include_usage\":true}", "stream_options")]
    [InlineData("\"stream\":true,\"stream_options\":{\"include_usage\":1}", "stream_options.include_usage")]
    [InlineData("\"stream\":true,\"stream_options\":[]", "stream_options")]
    [InlineData("\"metadata\":{\"a\":1}", "metadata.a")]
    [InlineData("\"metadata\":[]", "metadata")]
    [InlineData("\"custom_variables\":{\"a\":null}", "custom_variables.a")]
    [InlineData("\"conversation_id\":\"\"", "conversation_id")]
    [InlineData("\"conversation_id\":7", "conversation_id")]
    [InlineData("\"conversation_id\":\"a\\nb\"", "conversation_id")]
    [InlineData("\"user\":{}", "user")]
    [InlineData("\"user\":\"\\ud800\"", "user")]
    public async Task Error_names_the_field_that_is_not_supported(string field, string param) =>
        Assert.Equal(param, await shared.Reject($"{{\"model\":\"{FakeFleet.StrictModel}\",\"messages\":[{User}],{field}}}"));

    [Theory]
    [InlineData("\"tools\":{}", "tools")]
    [InlineData("\"tool_choice\":\"maybe\"", "tool_choice")]
    [InlineData("\"functions\":7", "functions")]
    [InlineData("\"response_format\":{\"type\":\"yaml\"}", "response_format.type")]
    [InlineData("\"response_format\":{}", "response_format.type")]
    public async Task Ignored_fields_must_be_valid(string field, string param) =>
        Assert.Equal(param, await shared.Reject($"{{\"model\":\"bot\",\"messages\":[{User}],{field}}}"));

    [Theory]
    [InlineData("\"tools\":[{\"type\":\"function\"}]", "tools")]
    [InlineData("\"tools\":[{}],\"tool_choice\":\"required\"", "tools tool_choice")]
    [InlineData("\"functions\":[{}],\"function_call\":{\"name\":\"a\"}", "functions function_call")]
    [InlineData("\"response_format\":{\"type\":\"json_object\"}", "response_format")]
    [InlineData("\"tools\":[],\"tool_choice\":\"auto\",\"response_format\":{\"type\":\"text\"}", "")]
    public async Task Ignored_fields_are_named_in_the_reply(string fields, string ignored)
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation => conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());

        using var response = await host.Chat(GatewayHost.Body("," + fields));

        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        var isNamed = body.RootElement.GetProperty("cozecluster").TryGetProperty("ignored_fields", out var named);
        Assert.Equal(ignored, isNamed ? string.Join(' ', named.EnumerateArray()) : "");
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"Hi"}]}""")]
    [InlineData("""{"model":"","messages":[{"role":"user","content":"Hi"}]}""")]
    [InlineData("""{"model":null,"messages":[{"role":"user","content":"Hi"}]}""")]
    public async Task Request_without_model_uses_the_default_of_its_tenant(string body)
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Fleet.DefaultModel = "bot";
        host.Grains.OnBegin = conversation => conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());

        using var response = await host.Chat(body);

        Assert.Equal("bot", host.Grains.Conversations.Single().Request!.Model);
        Assert.Contains("\"model\":\"bot\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}", "messages")]
    [InlineData("""{"messages":[{"role":"user","content":"Hi"}]}""", "model")]
    [InlineData("""{"model":7,"messages":[{"role":"user","content":"Hi"}]}""", "model")]
    [InlineData("""{"model":"","messages":[{"role":"user","content":"Hi"}]}""", "model")]
    public async Task Error_names_the_required_field_that_is_missing(string body, string param) => Assert.Equal(param, await shared.Reject(body));

    [Theory]
    [InlineData("[]", "messages")]
    [InlineData("null", "messages")]
    [InlineData("{}", "messages")]
    [InlineData("[1]", "messages[0]")]
    [InlineData("[{}]", "messages[0].role")]
    [InlineData("""[{"role":"wizard","content":""}]""", "messages[0].role")]
    [InlineData("""[{"role":"user"}]""", "messages[0].content")]
    [InlineData("""[{"role":"user","content":null}]""", "messages[0].content")]
    [InlineData("""[{"role":"user","content":3}]""", "messages[0].content")]
    [InlineData("""[{"role":"user","content":[]}]""", "messages[0].content")]
    [InlineData("""[{"role":"user","content":"a"},{"role":"user","content":"\udc00"}]""", "messages[1].content")]
    [InlineData("""[{"role":"user","name":1,"content":"a"}]""", "messages[0].name")]
    [InlineData("""[{"role":"user","content":["a"]}]""", "messages[0].content[0]")]
    [InlineData("""[{"role":"user","content":[{"type":"text"}]}]""", "messages[0].content[0].text")]
    [InlineData("""[{"role":"user","content":[{"type":"video"}]}]""", "messages[0].content[0].type")]
    [InlineData("""[{"role":"system","content":[{"type":"image_url","image_url":{"url":"https://x.test"}}]}]""", "messages[0].content[0].type")]
    [InlineData("""[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url"}]}]""", "messages[0].content[1].image_url")]
    [InlineData("""[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]""", "messages[0].content[0].image_url.url")]
    [InlineData("""[{"role":"user","content":[{"type":"image_url","image_url":{"url":"ftp://x.test/a"}}]}]""", "messages[0].content[0].image_url.url")]
    [InlineData(
        """[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:text/plain;base64,aGk="}}]}]""",
        "messages[0].content[0].image_url.url")]
    [InlineData(
        """[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,%%%"}}]}]""",
        "messages[0].content[0].image_url.url")]
    [InlineData("""[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png,abc"}}]}]""", "messages[0].content[0].image_url.url")]
    [InlineData("""[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:;;base64,aGk=,"}}]}]""", "messages[0].content[0].image_url.url")]
    [InlineData(
        """[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"aGk=","format":"midi"}}]}]""",
        "messages[0].content[0].input_audio.format")]
    [InlineData("""[{"role":"user","content":[{"type":"input_audio","input_audio":{"format":"wav"}}]}]""", "messages[0].content[0].input_audio.data")]
    [InlineData("""[{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}]""", "messages[0].content[0].file.file_id")]
    [InlineData("""[{"role":"user","content":[{"type":"file","file":{}}]}]""", "messages[0].content[0].file.file_data")]
    [InlineData("""[{"role":"assistant","tool_calls":[{"id":"a"}]},{"role":"user","content":"a"}]""", "messages[0].tool_calls[0].function")]
    [InlineData("""[{"role":"tool","content":"a"}]""", "messages[0].tool_call_id")]
    public async Task Error_names_the_path_of_a_wrong_message(string messages, string param) =>
        Assert.Equal(param, await shared.Reject($"{{\"model\":\"bot\",\"messages\":{messages}}}"));

    [Theory]
    [InlineData("", "empty")]
    [InlineData("  ", "line 1")]
    [InlineData("{\"model\":\"bot\",\n \"messages\": oops}", "line 2, byte 14")]
    [InlineData("[]", "JSON object")]
    [InlineData("{\"\\ud800\":1,\"model\":\"bot\"}", "Unicode")]
    public async Task Error_for_broken_JSON_says_where_it_is(string body, string expected)
    {
        using var response = await shared.Host.Chat(body);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(expected, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nesting_is_bounded()
    {
        using var response = await shared.Host.Chat("{\"a\":" + new string('[', 100_000) + new string(']', 100_000) + "}");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task Byte_order_mark_and_duplicate_keys_are_accepted()
    {
        var body = new ByteArrayContent([0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(GatewayHost.Body(",\"model\":\"bot\""))]);
        using var response = await shared.Host.Http.PostAsync("/v1/chat/completions", body);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("application/json; charset=utf-8")]
    [InlineData("application/json;charset=\"UTF-8\"")]
    [InlineData("application/json; charset=utf8")]
    [InlineData("application/vnd.api+json")]
    public async Task Usual_media_types_of_JSON_are_accepted(string type)
    {
        var content = new StringContent(GatewayHost.Body());
        content.Headers.Remove("Content-Type");
        content.Headers.TryAddWithoutValidation("Content-Type", type);
        using var response = await shared.Host.Http.PostAsync("/v1/chat/completions", content);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("text/plain", null)]
    [InlineData("application/x-www-form-urlencoded", null)]
    [InlineData("application/json; charset=utf-16", null)]
    [InlineData("application/json", "gzip")]
    public async Task Other_media_types_get_415(string type, string? encoding)
    {
        var content = new StringContent(GatewayHost.Body());
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        if (encoding is not null) content.Headers.ContentEncoding.Add(encoding);
        using var response = await shared.Host.Http.PostAsync("/v1/chat/completions", content);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        Assert.Contains("unsupported_media_type", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Bodies_over_the_limit_get_413(bool chunked)
    {
        await using var host = await GatewayHost.Start(options => options.MaxBodyBytes = 2048);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = GatewayHost.Json(new string(' ', 5000)) };
        request.Headers.TransferEncodingChunked = chunked;
        using var response = await host.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Contains("request_too_large", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Messages_are_passed_to_the_turn()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation => conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());
        using var response = await host.Chat(
            """
            {"model":"bot","user":"u1","metadata":{"m":"1"},"custom_variables":{"v":"2"},"messages":[
              {"role":"developer","content":"Be brief."},
              {"role":"user","content":[
                {"type":"text","text":"Look"},
                {"type":"image_url","image_url":{"url":"https://x.test/a.png","detail":"low"}},
                {"type":"image_url","image_url":{"url":"data:image\/jpeg;base64,aGVsbG8="}},
                {"type":"input_audio","input_audio":{"data":"aGk=","format":"mp3"}},
                {"type":"file","file":{"filename":"a.pdf","file_data":"aGk="}},
                {"type":"file","file":{"file_url":"https://x.test/b.pdf"}}]},
              {"role":"assistant","content":null,"reasoning_content":"","reasoning":"Hm 🤔",
                "tool_calls":[{"id":"call_x","type":"function","function":{"name":"f","arguments":"{}"}}]},
              {"role":"tool","tool_call_id":"call_x","content":[{"type":"text","text":"42"}]},
              {"role":"user","content":"Go"}]}
            """);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var turn = (await host.WaitForTurn()).Request!;
        Assert.Equal(("acme", "test", "bot", "u1", false), (turn.TenantId, turn.KeyName, turn.Model, turn.User, turn.Survive));
        Assert.Equal("1", turn.Metadata["m"]);
        Assert.Equal("2", turn.Variables["v"]);
        Assert.Empty(turn.ToolOutputs);
        Assert.Equal([ChatRole.System, ChatRole.User, ChatRole.Assistant, ChatRole.Tool, ChatRole.User], turn.Messages.Select(message => message.Role));
        Assert.Equal(
            [
                new TextContent("Look"),
                new ImageContent(new MediaSource("https://x.test/a.png", null)) { Detail = "low" },
                new ImageContent(new MediaSource(null, new BlobRef("blob0", "image/jpeg", "image.jpg", 5))),
                new AudioContent(new MediaSource(null, new BlobRef("blob1", "audio/mpeg", "audio.mp3", 2))),
                new FileContent(new MediaSource(null, new BlobRef("blob2", "application/pdf", "a.pdf", 2))),
                new FileContent(new MediaSource("https://x.test/b.pdf", null)),
            ],
            turn.Messages[1].Content);
        Assert.Equal("hello"u8.ToArray(), host.Blobs.Stored.First().Bytes);
        Assert.Empty(turn.Messages[2].Content);
        Assert.Equal([new ToolCall("call_x", "f", "{}")], turn.Messages[2].ToolCalls);
        Assert.Equal("Hm 🤔", turn.Messages[2].Reasoning);
        Assert.Equal("call_x", turn.Messages[3].ToolCallId);
    }

    [Fact]
    public async Task Unknown_model_gets_404()
    {
        using var response = await shared.Host.Chat("""{"model":"nope","messages":[{"role":"user","content":"Hi"}]}""");
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Contains("model_not_found", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    /// <summary>One host for all tests that do not change it.</summary>
    public sealed class Shared : IAsyncLifetime
    {
        public GatewayHost Host { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Host = await GatewayHost.Start(realTime: true);
            Host.Grains.OnBegin = conversation => conversation.Post(new Cursor(0, 2), Reply.Text("ok"), Reply.Stop());
        }

        public ValueTask DisposeAsync() => Host.DisposeAsync();

        /// <summary>Sends a body that must be rejected.</summary>
        /// <returns>The field that the error names.</returns>
        public async Task<string?> Reject(string body)
        {
            using var response = await Host.Chat(body);
            var error = await response.ReadError();
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.Equal("invalid_request_error", error.GetProperty("type").GetString());
            var param = error.GetProperty("param").GetString();
            Assert.Contains(param!, error.GetProperty("message").GetString(), StringComparison.Ordinal);
            return param;
        }
    }
}
