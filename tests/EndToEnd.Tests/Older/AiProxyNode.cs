using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Claude;
using CozeCluster.Sandbox.Gemini;
using CozeCluster.Sandbox.OpenAi;

namespace CozeCluster.EndToEnd.Tests.Older;

/// <summary>A node with endpoints that speak as aiproxy, and the fake providers.</summary>
public sealed class AiProxyNode : IAsyncLifetime
{
    /// <summary>Passes requests to all providers, with two accounts of OpenAI. Needs no key.</summary>
    public const string Open = "/open";

    /// <summary>Passes no requests. Needs no key.</summary>
    public const string Closed = "/closed";

    /// <summary>Passes requests of one tenant, with its key.</summary>
    public const string Keyed = "/keyed";

    private SandboxNode? _node;

    internal SandboxServer Sandbox => _node!.Sandbox;

    internal HttpClient Http => _node!.Http;

    public async ValueTask InitializeAsync() => _node = await SandboxNode.StartAsync(static (sandbox, _) => CreateFleet(sandbox));

    public ValueTask DisposeAsync() => _node?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>A prompt that no other test has.</summary>
    internal static string NewPrompt(string directives = "") => $"mark-{Guid.NewGuid():n}" + (directives.Length > 0 ? $" [[{directives}]]" : "");

    /// <summary>Sends a request as curl does: without a content type for JSON, unless one is given.</summary>
    internal Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, string? body = null, string type = "application/x-www-form-urlencoded", CancellationToken cancellationToken = default,
        params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, path);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue(type));
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken == default ? TestTimeout.Token : cancellationToken);
    }

    internal Task<HttpResponseMessage> PostAsync(string path, string body, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, path, body, headers: headers);

    /// <summary>Sends a request, and reads a stream in the form of aiproxy.</summary>
    internal async Task<AiProxyReply> StreamAsync(string path, string body, params (string Name, string Value)[] headers)
    {
        using var response = await PostAsync(path, body, headers);
        if (!response.IsSuccessStatusCode) Assert.Fail(await response.Content.ReadAsStringAsync(TestTimeout.Token));
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return await AiProxyReply.ReadAsync(response);
    }

    private static string CreateFleet(SandboxServer sandbox)
    {
        var openAi = new Uri(sandbox.BaseUrl, "openai/v1");
        return new TestFleet()
            .AddAccount("coze", new Uri(sandbox.BaseUrl, "coze"), "pat_sandbox")
            .AddBot("one", Bots.One, "coze").AddBot("two", Bots.Two, "coze").AddModel("helper", "one").AddModel("second", "two")
            .AddLanguageModel("openai-10001", "openai", openAi, FakeOpenAi.Model, FakeOpenAi.Token)
            .AddLanguageModel("openai-poor", "openai", openAi, FakeOpenAi.Model, FakeOpenAi.TokenWithoutCredit)
            .AddLanguageModel("claude-10001", "claude", new Uri(sandbox.BaseUrl, "claude"), "claude-sonnet-4-6", FakeClaude.Key)
            .AddLanguageModel("gemini-10001", "gemini", new Uri(sandbox.BaseUrl, "gemini/v1beta"), "gemini-2.5-flash", FakeGemini.Key)
            .AddModel("gpt", "openai-10001").AddModel("sonnet", "claude-10001").AddModel("flash", "gemini-10001")
            + """

              endpoints:
                - id: open
                  path: /open
                  compat: aiproxy
                  anonymous: main
                  options:
                    { openai_account: "openai-10001, openai-poor", claude_account: claude-10001, gemini_account: gemini-10001,
                      coze_model: helper, claude_model: sonnet, gemini_model: flash, openai_model: gpt, tenants: "main, narrow" }
                - { id: closed, path: /closed, compat: aiproxy, anonymous: main, options: { openai_model: gpt } }
                - { id: keyed, path: /keyed, compat: aiproxy, options: { openai_account: openai-10001, gemini_account: gemini-10001, tenants: main } }
              """.ReplaceLineEndings("\n");
    }
}

/// <summary>A reply in the form of aiproxy.</summary>
/// <param name="Records">The data of all events.</param>
/// <param name="IsCut">Whether the connection ended abnormally.</param>
internal sealed record AiProxyReply(IReadOnlyList<string> Records, bool IsCut)
{
    public bool IsDone => Records is [.., "[DONE]"];

    public IReadOnlyList<JsonElement> Chunks => [.. Records.Where(record => record != "[DONE]").Select(record => JsonDocument.Parse(record).RootElement)];

    public string Text => string.Concat(Chunks.Where(chunk => chunk.TryGetProperty("choices", out _))
        .Select(chunk => chunk.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()));

    public JsonElement Error => Chunks.LastOrDefault().Get("error");

    public static async Task<AiProxyReply> ReadAsync(HttpResponseMessage response)
    {
        var records = new List<string>();
        try
        {
            using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(TestTimeout.Token));
            while (await lines.ReadLineAsync(TestTimeout.Token) is { } line)
            {
                if (line.StartsWith("data:", StringComparison.Ordinal)) records.Add(line["data:".Length..].TrimStart());
            }
            return new AiProxyReply(records, IsCut: false);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            return new AiProxyReply(records, IsCut: true);
        }
    }
}
