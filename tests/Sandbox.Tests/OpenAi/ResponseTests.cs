using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using CozeCluster.Sandbox.OpenAi;
using CozeCluster.TestKit;

namespace CozeCluster.Sandbox.Tests.OpenAi;

/// <summary>The Responses API of the fake OpenAI. <c>tests/npm</c> tries it with the official client.</summary>
public sealed class ResponseTests : IAsyncLifetime
{
    private readonly HttpClient _http = new();
    private readonly ManualTime _time = new();
    private SandboxServer _sandbox = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private OpenAiCompletion Newest => _sandbox.OpenAi.Completions[^1];

    public async ValueTask InitializeAsync()
    {
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions { Time = _time }, Stop);
        _http.BaseAddress = new Uri(_sandbox.BaseUrl, "openai/v1/");
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", FakeOpenAi.Token);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _sandbox.DisposeAsync();
    }

    [Theory]
    [InlineData("say=Hello chunk=2", "completed")]
    [InlineData("say=Hello reasoning=2 finish=length", "incomplete")]
    [InlineData("say=Hello failed=500 failed_after=2 chunk=1", "failed")]
    [InlineData("chunks=3 error=429 error_after=1", "failed")]
    public async Task Stream_IsNumberedFromZero_AndCanBeReadAgainFromAnyNumber(string directives, string status)
    {
        var events = await StreamAsync(Request(directives, "\"background\":true,\"stream\":true"));
        Assert.Equal(Enumerable.Range(0, events.Count), events.Select(happened => happened.GetProperty("sequence_number").GetInt32()));
        Assert.Equal("response.created", Type(events[0]));
        var id = events[0].GetProperty("response").GetProperty("id").GetString()!;

        for (var after = -1; after < events.Count; after++)
        {
            var query = after < 0 ? "" : $"&starting_after={after}";
            var again = ReadEvents(await _http.GetStringAsync(new Uri($"responses/{id}?stream=true{query}", UriKind.Relative), Stop));
            Assert.Equal(events.Skip(after + 1).Select(happened => happened.GetRawText()), again.Select(happened => happened.GetRawText()));
        }
        var whole = await GetAsync($"responses/{id}");
        Assert.Equal(status, whole.GetProperty("status").GetString());
        Assert.Equal(status == "failed", whole.GetProperty("error").ValueKind == JsonValueKind.Object);
        Assert.Equal(status == "failed", whole.GetProperty("usage").ValueKind == JsonValueKind.Null);
    }

    [Fact]
    public async Task Disconnect_BreaksOnlyTheFirstStream()
    {
        var request = Request("say=abcdef chunk=1 disconnect_after=3", "\"background\":true,\"stream\":true");
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => StreamAsync(request));
        var events = ReadEvents(await _http.GetStringAsync(new Uri($"responses/{Newest.Id}?stream=true", UriKind.Relative), Stop));
        Assert.Equal("abcdef", string.Concat(events.Where(happened => Type(happened) == "response.output_text.delta").Select(DeltaOf)));
        Assert.Equal("response.completed", Type(events[^1]));
    }

    [Fact]
    public async Task Background_WithoutAStream_IsAnsweredAtOnceAndCanBeCancelled()
    {
        var created = await PostAsync("responses", Request("say=Hi stall_after=0", "\"background\":true"));
        Assert.Equal("queued", created.GetProperty("status").GetString());
        var path = $"responses/{created.GetProperty("id").GetString()}";
        Assert.Equal(HttpStatusCode.BadRequest, (await _http.GetAsync(new Uri(path + "?stream=true", UriKind.Relative), Stop)).StatusCode);

        for (var i = 0; i < 2; i++) Assert.Equal("cancelled", (await PostAsync(path + "/cancel", "{}")).GetProperty("status").GetString());
        Assert.Equal((true, null), (Newest.IsCancelled, Newest.Reply));
        Assert.True((await ReadAsync(await _http.DeleteAsync(new Uri(path, UriKind.Relative), Stop))).GetProperty("deleted").GetBoolean());
        Assert.Equal(HttpStatusCode.NotFound, (await _http.GetAsync(new Uri(path, UriKind.Relative), Stop)).StatusCode);
    }

    [Fact]
    public async Task Foreground_IsStoredUnlessToldOtherwise_AndIsNotCancelled()
    {
        var kept = await PostAsync("responses", Request("say=Hi"));
        Assert.Equal("Hi", kept.GetProperty("output")[0].GetProperty("content")[0].GetProperty("text").GetString());
        Assert.Equal("completed", (await GetAsync($"responses/{kept.GetProperty("id").GetString()}")).GetProperty("status").GetString());
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync($"responses/{kept.GetProperty("id").GetString()}/cancel", "{}"));
        var forgotten = await PostAsync("responses", Request("say=Hi", "\"store\":false"));
        var address = new Uri($"responses/{forgotten.GetProperty("id").GetString()}", UriKind.Relative);
        Assert.Equal(HttpStatusCode.NotFound, (await _http.GetAsync(address, Stop)).StatusCode);
    }

    [Fact]
    public async Task Foreground_StopsWithItsClient()
    {
        using (var request = new HttpRequestMessage(HttpMethod.Post, "responses") { Content = Json(Request("chunks=9 stall_after=2", "\"stream\":true")) })
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
            await _sandbox.OpenAi.WaitForAsync(() => Newest.DeltasSent == 2, Stop);
        }
        await _sandbox.OpenAi.WaitForAsync(() => Newest.ClientGone, Stop);
        Assert.Null(Newest.Reply);
    }

    [Fact]
    public async Task Background_GoesOnWithoutItsClient_AndIsPacedByTheClock()
    {
        using (var request = new HttpRequestMessage(HttpMethod.Post, "responses")
        {
            Content = Json(Request("say=abc chunk=1 pace=1s", "\"stream\":true,\"background\":true")),
        })
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
        }
        for (var i = 1; i <= 3; i++)
        {
            Assert.Null(Newest.Reply);
            while (_time.ArmedTimers == 0) await Task.Yield();
            _time.Advance(TimeSpan.FromSeconds(1));
            await _sandbox.OpenAi.WaitForAsync(() => Newest.DeltasSent == i, Stop);
        }
        await _sandbox.OpenAi.WaitForAsync(() => Newest.Reply is not null, Stop);
        Assert.Equal(("abc", false), (Newest.Reply, Newest.ClientGone));
    }

    [Theory]
    [InlineData("""{"model":"gpt-sandbox","input":[]}""")]
    [InlineData("""{"model":"gpt-sandbox","input":7}""")]
    [InlineData("""{"model":"gpt-sandbox"}""")]
    [InlineData("""{"model":"gpt-sandbox","input":"x","messages":[]}""")]
    [InlineData("""{"model":"gpt-sandbox","input":"x","stop":["a"]}""")]
    [InlineData("""{"model":"gpt-sandbox","input":"x","max_output_tokens":3}""")]
    [InlineData("""{"model":"gpt-sandbox","input":"x","background":true,"store":false}""")]
    [InlineData("""{"model":"gpt-sandbox","input":"x","tools":[{"type":"function","name":"f","parameters":{"type":"object"}}]}""")]
    [InlineData("""{"model":"gpt-sandbox","input":"x","tools":[{"type":"function","name":"f","parameters":{},"strict":false}]}""")]
    [InlineData("""{"model":"gpt-sandbox","input":[{"type":"function_call_output","call_id":"a","output":"x"}]}""")]
    [InlineData("""{"model":"gpt-sandbox","input":[{"type":"function_call","call_id":"a","name":"f","arguments":"{}"}]}""")]
    [InlineData("""{"model":"gpt-sandbox","input":[{"role":"user","content":[{"type":"text","text":"x"}]}]}""")]
    [InlineData("""{"model":"gpt-sandbox","input":[{"role":"tool","content":"x"}]}""")]
    public async Task Create_WhatTheApiRefuses_IsRefused(string body)
    {
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync("responses", body));
        Assert.Empty(_sandbox.OpenAi.Completions);
    }

    [Fact]
    public async Task Forget_EndsAllResponses()
    {
        await PostAsync("responses", Request("stall_after=0", "\"background\":true"));
        using var answer = await _http.PostAsync(new Uri(_sandbox.BaseUrl, "openai/sandbox/forget"), null, Stop);
        answer.EnsureSuccessStatusCode();
        Assert.True(Newest.IsDeleted);
        Assert.Equal(HttpStatusCode.NotFound, (await _http.GetAsync(new Uri($"responses/{Newest.Id}", UriKind.Relative), Stop)).StatusCode);
    }

    private static string Request(string directives, string more = "")
    {
        var input = JsonSerializer.Serialize($"Hi [[{directives}]]");
        return $$"""{"model":"gpt-sandbox","input":{{input}}{{(more.Length > 0 ? "," + more : "")}}}""";
    }

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    private static string Type(JsonElement happened) => happened.GetProperty("type").GetString()!;

    private static string DeltaOf(JsonElement happened) => happened.GetProperty("delta").GetString()!;

    private static List<JsonElement> ReadEvents(string body) =>
        [.. body.Split('\n').Where(line => line.StartsWith("data:", StringComparison.Ordinal)).Select(line => JsonDocument.Parse(line[5..]).RootElement)];

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage response)
    {
        using (response) return JsonDocument.Parse(await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(Stop)).RootElement;
    }

    private async Task<JsonElement> GetAsync(string path) => await ReadAsync(await _http.GetAsync(new Uri(path, UriKind.Relative), Stop));

    private async Task<JsonElement> PostAsync(string path, string body) =>
        await ReadAsync(await _http.PostAsync(new Uri(path, UriKind.Relative), Json(body), Stop));

    private async Task<List<JsonElement>> StreamAsync(string body)
    {
        using var response = await _http.PostAsync(new Uri("responses", UriKind.Relative), Json(body), Stop);
        return ReadEvents(await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(Stop));
    }

    private async Task<HttpStatusCode> StatusAsync(string path, string body)
    {
        using var response = await _http.PostAsync(new Uri(path, UriKind.Relative), Json(body), Stop);
        return response.StatusCode;
    }
}
