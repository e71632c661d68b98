using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CozeCluster.Sandbox.Gemini;

namespace CozeCluster.Sandbox.Tests.Gemini;

/// <summary>The fake Gemini checks requests and errs as Google does.</summary>
public sealed partial class GeminiTests : IAsyncLifetime
{
    private const string Hi = """{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}""";

    private readonly HttpClient _http = new();
    private SandboxServer _server = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await SandboxServer.StartAsync(new SandboxOptions(), Stop);
        _http.DefaultRequestHeaders.Add("x-goog-api-key", FakeGemini.Key);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("""{}""", "contents is not specified")]
    [InlineData("""{"contents":[{"role":"assistant","parts":[{"text":"x"}]}]}""", "valid role")]
    [InlineData("""{"contents":[{"parts":[]}]}""", "must not be empty")]
    [InlineData("""{"contents":[{"parts":[{"text":""}]}]}""", "oneof field 'data'")]
    [InlineData("""{"contents":[{"parts":[{"text":"x"}]}],"stream":true}""", "Unknown name \"stream\"")]
    [InlineData("""{"contents":[{"parts":[{"inlineData":{"mimeType":"image/gif","data":""}}]}]}""", "Unsupported MIME type")]
    [InlineData("""{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}]}""", "Unable to process input image")]
    [InlineData("""{"contents":[{"parts":[{"text":"x"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}}]}]}""", "function response turn")]
    [InlineData("""{"contents":[{"parts":[{"functionResponse":{"name":"f","response":{}}}]}]}""", "number of function response parts")]
    [InlineData("""{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"temperature":3}}""", "temperature")]
    [InlineData("""{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"thinkingConfig":{"thinkingLevel":"LOW"}}}""", "Thinking level")]
    [InlineData("""{"contents":[{"parts":[{"text":"x"}]}],"tools":[{"functionDeclarations":[{"name":"1f"}]}]}""", "Invalid function name")]
    [InlineData("""{"contents":[{"parts":[{"text":"x"}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}}""", "without function_declarations")]
    [InlineData("""{"contents":[{"parts":[{"text":"x"}]}],"safetySettings":[{"category":"X","threshold":"OFF"}]}""", "safety_settings.category")]
    [InlineData("not json", "Invalid JSON payload")]
    public async Task InvalidRequest_IsRefusedInGooglesForm(string body, string expected)
    {
        var (status, text) = await PostAsync("gemini-2.5-flash:generateContent", body);

        var error = JsonNode.Parse(text)!["error"]!;
        Assert.Equal((HttpStatusCode.BadRequest, 400, "INVALID_ARGUMENT"), (status, (int)error["code"]!, (string)error["status"]!));
        Assert.Contains(expected, (string)error["message"]!);
        Assert.Empty(_server.Gemini.Calls);
    }

    [Theory]
    [InlineData(FakeGemini.ExpiredKey, 400, "API_KEY_INVALID")]
    [InlineData("wrong", 400, "API_KEY_INVALID")]
    [InlineData(null, 403, null)]
    public async Task Key_IsChecked(string? key, int status, string? reason)
    {
        _http.DefaultRequestHeaders.Remove("x-goog-api-key");
        if (key is not null) _http.DefaultRequestHeaders.Add("x-goog-api-key", key);
        var (actual, text) = await PostAsync("gemini-2.5-flash:generateContent", Hi);

        Assert.Equal(status, (int)actual);
        Assert.Equal(reason, (string?)JsonNode.Parse(text)!["error"]!["details"]?[0]!["reason"]);
    }

    [Fact]
    public async Task StreamWithoutSse_IsOneArray()
    {
        _server.Gemini.Script("say=abcdef chunk=2");
        var (_, text) = await PostAsync("gemini-2.5-flash:streamGenerateContent", Hi);

        var records = JsonNode.Parse(text)!.AsArray();
        Assert.Equal("abcdef", string.Concat(records.Select(record => (string)record!["candidates"]![0]!["content"]!["parts"]![0]!["text"]!)));
        Assert.Equal("STOP", (string)records[^1]!["candidates"]![0]!["finishReason"]!);
    }

    [Fact]
    public async Task CutStream_HasNoFinishReason()
    {
        _server.Gemini.Script("chunks=9 cut_after=2");
        var (_, text) = await PostAsync("gemini-2.5-flash:streamGenerateContent?alt=sse", Hi);

        Assert.Equal(2, Data().Count(text));
        Assert.DoesNotContain("finishReason", text);
    }

    [Fact]
    public void Script_UnknownDirective_Throws() => Assert.Throws<ArgumentException>(() => _server.Gemini.Script("nonsense"));

    private async Task<(HttpStatusCode Status, string Text)> PostAsync(string target, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await _http.PostAsync(new Uri(_server.BaseUrl, $"gemini/v1beta/models/{target}"), content, Stop);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Stop));
    }

    [GeneratedRegex("^data: ", RegexOptions.Multiline)]
    private static partial Regex Data();
}
