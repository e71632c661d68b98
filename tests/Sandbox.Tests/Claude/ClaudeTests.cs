using System.Net;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CozeCluster.Sandbox.Claude;

namespace CozeCluster.Sandbox.Tests.Claude;

/// <summary>What the fake Claude refuses, and the form of what it sends.</summary>
public sealed partial class ClaudeTests : IAsyncLifetime
{
    private const string User = """{"role":"user","content":"Hi"}""";
    private const string Tools = """[{"name":"get","input_schema":{"type":"object"}}]""";

    private SandboxServer _server = null!;
    private HttpClient _http = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await SandboxServer.StartAsync(new SandboxOptions(), Stop);
        _http = new HttpClient { BaseAddress = new Uri(_server.BaseUrl, "claude/") };
        _http.DefaultRequestHeaders.Add("x-api-key", "sk-ant-sandbox");
        _http.DefaultRequestHeaders.Add("anthropic-version", "2023-06-01");
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("""{"max_tokens":9,"messages":[]}""", "model: Field required")]
    [InlineData("""{"model":"claude-sonnet-4-5","messages":[]}""", "max_tokens: Field required")]
    [InlineData("""{"model":"claude-sonnet-4-5","max_tokens":0,"messages":[]}""", "max_tokens: ")]
    [InlineData("""{"model":"claude-sonnet-4-5","max_tokens":100000,"messages":[]}""", "maximum allowed")]
    [InlineData("""{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[]}""", "at least one message")]
    [InlineData("not json", "not valid JSON")]
    public Task Post_InvalidBody_IsRefused(string body, string message) => AssertRefused(body, message);

    [Theory]
    [InlineData(User, "\"n\":2", "n: Extra inputs")]
    [InlineData(User, "\"temperature\":1.5", "temperature: range")]
    [InlineData(User, "\"temperature\":1,\"top_p\":1", "cannot both")]
    [InlineData(User, "\"stop_sequences\":[\" \"]", "non-whitespace")]
    [InlineData(User, "\"metadata\":{\"user_id\":\"a@b.c\"}", "email")]
    [InlineData(User, "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1000}", "1024")]
    [InlineData(User, "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}", "greater than")]
    [InlineData(User, "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024},\"temperature\":0.5", "temperature")]
    [InlineData(User, "\"thinking\":{\"type\":\"adaptive\"}", "adaptive")]
    [InlineData(User, "\"tool_choice\":{\"type\":\"auto\"}", "while providing tools")]
    [InlineData(User, "\"tools\":[{\"name\":\"a b\",\"input_schema\":{\"type\":\"object\"}}]", "pattern")]
    [InlineData(User, "\"tools\":[{\"name\":\"a\",\"input_schema\":{}}]", "input_schema.type")]
    [InlineData(User, "\"tools\":[{\"name\":\"a\",\"input_schema\":{\"type\":\"object\"},\"strict\":true}]", "additionalProperties")]
    [InlineData(User, "\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\"}}}", "additionalProperties")]
    [InlineData(User, "\"output_config\":{\"effort\":\"xhigh\"}", "xhigh")]
    [InlineData("""{"role":"assistant","content":"Hi"}""", "\"stream\":true", "first message must use")]
    [InlineData("""{"role":"system","content":"Hi"}""", "\"stream\":true", "role")]
    [InlineData("""{"role":"user","content":"a"},{"role":"user","content":"b"}""", "\"stream\":true", "alternate")]
    [InlineData("""{"role":"user","content":[{"type":"text","text":""}]}""", "\"stream\":true", "non-empty")]
    [InlineData("""{"role":"user","content":[{"type":"text","text":" "}]}""", "\"stream\":true", "non-whitespace")]
    [InlineData("""{"role":"user","content":"a"},{"role":"assistant","content":"b "}""", "\"stream\":true", "trailing whitespace")]
    [InlineData(
        """{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"/9j/"}}]}""",
        "\"stream\":true", "does not match")]
    [InlineData(
        """{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AAAA"}}]}""",
        "\"stream\":true", "PDF")]
    [InlineData("""{"role":"user","content":[{"type":"image","source":{"type":"url","url":"http://a.test/"}}]}""", "\"stream\":true", "HTTPS")]
    [InlineData("""{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"}]}""", "\"tools\":[]", "must define tools")]
    public Task Post_InvalidRequest_IsRefused(string messages, string field, string message) =>
        AssertRefused($$"""{"model":"claude-sonnet-4-5","max_tokens":2000,"messages":[{{messages}}],{{field}}}""", message);

    [Theory]
    [InlineData("""{"role":"user","content":"a"}""", "without `tool_result`")]
    [InlineData("""{"role":"user","content":[{"type":"tool_result","tool_use_id":"y"}]}""", "unexpected `tool_use_id`")]
    [InlineData("""{"role":"user","content":[{"type":"text","text":"a"},{"type":"tool_result","tool_use_id":"x"}]}""", "must come first")]
    public Task Post_ToolCallWithoutItsResult_IsRefused(string answer, string message) => AssertRefused(
        $$"""
        {"model":"claude-sonnet-4-5","max_tokens":2000,"tools":{{Tools}},"messages":[{{User}},
         {"role":"assistant","content":[{"type":"tool_use","id":"x","name":"get","input":{} }]},{{answer}}]}
        """, message);

    [Fact]
    public async Task Post_NewModel_RefusesSamplingAndPrefill()
    {
        await AssertRefused($$"""{"model":"claude-opus-4-7","max_tokens":9,"messages":[{{User}}],"temperature":0}""", "deprecated");
        await AssertRefused($$"""{"model":"claude-opus-4-7","max_tokens":9,"messages":[{{User}},{"role":"assistant","content":"a"}]}""", "prefill");
        Assert.Equal(2, _server.Claude.Refusals["invalid_request_error"]);
        Assert.Empty(_server.Claude.Messages);
    }

    [Fact]
    public async Task Post_NewestVersion_HasNoSampling()
    {
        _http.DefaultRequestHeaders.Remove("anthropic-version");
        _http.DefaultRequestHeaders.Add("anthropic-version", "2026-10-21");
        await AssertRefused($$"""{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{{User}}],"temperature":1}""", "temperature: Extra inputs");
        using var response = await Post($$"""{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{{User}}]}""");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Post_Headers_AreRequired()
    {
        _http.DefaultRequestHeaders.Remove("anthropic-version");
        await AssertRefused($$"""{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{{User}}]}""", "anthropic-version");
        _http.DefaultRequestHeaders.Remove("x-api-key");
        using var response = await Post("{}");
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task Post_Stream_HasTheEventsOfTheRealServer()
    {
        using var response = await Post(
            $$"""{"model":"claude-sonnet-4-5","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"[[say=\"你好 🚀 1\" chunk=4 unknown]]"}]}""");
        var events = new List<SseItem<string>>();
        await foreach (var next in SseParser.Create(await response.Content.ReadAsStreamAsync(Stop)).EnumerateAsync(Stop)) events.Add(next);

        Assert.Equal(
            ["message_start", "ping", "message_surprise", "content_block_start", "content_block_delta", "content_block_delta", "content_block_stop",
                "message_delta", "message_stop"],
            events.Select(next => next.EventType));
        Assert.All(events, next => Assert.Equal(next.EventType, (string?)JsonNode.Parse(next.Data)!["type"]));
        Assert.Equal("你好 🚀 1", string.Concat(events.Where(e => e.EventType == "content_block_delta").Select(e => JsonNode.Parse(e.Data)!["delta"]!["text"])));
        Assert.Equal("end_turn", (string?)JsonNode.Parse(events[^2].Data)!["delta"]!["stop_reason"]);
        Assert.StartsWith("req_", response.Headers.GetValues("request-id").Single());
        Assert.Equal("3999", response.Headers.GetValues("anthropic-ratelimit-requests-remaining").Single());
    }

    [Theory]
    [InlineData("[[say=abcdefgh]]", "\"max_tokens\":1", "max_tokens", "abcd")]
    [InlineData("[[say=abcdefgh]]", "\"max_tokens\":9,\"stop_sequences\":[\"ef\"]", "stop_sequence", "abcd")]
    [InlineData("[[nonsense]]", "\"max_tokens\":99", "end_turn", "The sandbox cannot follow this prompt: unknown directive 'nonsense'.")]
    public async Task Post_Whole_EndsAsItMust(string prompt, string fields, string reason, string text)
    {
        using var response = await Post(
            $$"""{"model":"claude-sonnet-4-5",{{fields}},"messages":[{"role":"user","content":"{{prompt}}"}]}""");
        var message = JsonNode.Parse(await response.Content.ReadAsStringAsync(Stop))!;

        Assert.Equal((reason, text), ((string?)message["stop_reason"], (string?)message["content"]![0]!["text"]));
    }

    [Fact]
    public async Task Control_ScriptsAndRecords()
    {
        using var script = new StringContent("""{"script":"say=scripted","times":1}""", Encoding.UTF8, "application/json");
        (await _http.PostAsync("sandbox/script", script, Stop)).EnsureSuccessStatusCode();
        using var response = await Post($$"""{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{{User}}]}""");

        var records = JsonNode.Parse(await _http.GetStringAsync("sandbox/messages", Stop))!.AsArray();
        Assert.Equal(("scripted", "completed", 9), ((string?)records[0]!["text"], (string?)records[0]!["status"], (int?)records[0]!["request"]!["max_tokens"]));
    }

    [Fact]
    public void Documentation_ListsExactlyTheKnownDirectives()
    {
        var page = File.ReadAllText(Path.Combine(Path.GetDirectoryName(GetSourcePath())!, "..", "..", "..", "docs", "sandbox.md"));
        var table = page[page.IndexOf("### Directives of Claude", StringComparison.Ordinal)..];
        table = table[..table.IndexOf("### Control endpoints of Claude", StringComparison.Ordinal)];

        Assert.Equal(
            ClaudeDirectives.Parser.Names.Order(StringComparer.Ordinal),
            FirstCell().Matches(table).Select(m => m.Groups[1].Value).Order(StringComparer.Ordinal));
    }

    private async Task AssertRefused(string body, string message)
    {
        using var response = await Post(body);
        var error = JsonNode.Parse(await response.Content.ReadAsStringAsync(Stop))!;

        Assert.Equal(
            (HttpStatusCode.BadRequest, "error", "invalid_request_error"),
            (response.StatusCode, (string?)error["type"], (string?)error["error"]!["type"]));
        Assert.Contains(message, (string?)error["error"]!["message"]);
        Assert.Equal(response.Headers.GetValues("request-id").Single(), (string?)error["request_id"]);
    }

    private Task<HttpResponseMessage> Post(string body) =>
        _http.PostAsync("v1/messages", new StringContent(body, Encoding.UTF8, "application/json"), Stop);

    private static string GetSourcePath([CallerFilePath] string path = "") => path;

    [GeneratedRegex(@"^\| `(\w+)", RegexOptions.Multiline)]
    private static partial Regex FirstCell();
}
