using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.EndToEnd.Tests;

/// <summary>One request for a chat completion, sent by plain HTTP, and the chats that it began at the fake Coze.</summary>
internal sealed class ChatRequest
{
    private HttpClient _http;
    private readonly FakeCoze? _coze;
    private readonly string _mark = $"mark-{Guid.NewGuid():n}";

    /// <param name="http">A client of the node.</param>
    /// <param name="coze">The fake Coze that the model uses; null if it uses another upstream.</param>
    /// <param name="model">The model.</param>
    /// <param name="directives">The directives for the sandbox, without brackets.</param>
    public ChatRequest(HttpClient http, FakeCoze? coze, string model, string directives)
    {
        (_http, _coze, Model) = (http, coze, model);
        Prompt = directives.Length == 0 ? _mark : $"{_mark} [[{directives}]]";
        Body = new JsonObject
        {
            ["model"] = model,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = Prompt }),
        };
    }

    public string Model { get; }

    /// <summary>The prompt. It is unique.</summary>
    public string Prompt { get; }

    /// <summary>The request body. Tests change it before they send the request.</summary>
    public JsonObject Body { get; }

    public Dictionary<string, string> Headers { get; } = [];

    public string Key { get; set; } = TestFleet.Key;

    /// <summary>The chats of this request at the fake Coze, oldest first.</summary>
    public IReadOnlyList<CozeChat> Chats => [.. _coze!.Chats.Where(IsOwn)];

    /// <summary>The only chat of this request.</summary>
    public CozeChat Chat => Assert.Single(Chats);

    /// <summary>Waits until a chat of this request satisfies a condition.</summary>
    public Task<CozeChat> WaitForChatAsync(Func<CozeChat, bool> condition) =>
        _coze!.WaitForChatAsync(chat => IsOwn(chat) && condition(chat), TestTimeout.Token);

    /// <summary>Changes the node to which the request is sent.</summary>
    public ChatRequest To(HttpClient http)
    {
        _http = http;
        return this;
    }

    public ChatRequest With(Action<JsonObject> change)
    {
        change(Body);
        return this;
    }

    public ChatRequest InConversation(string name) => With(body => body["conversation_id"] = name);

    public ChatRequest WithHeader(string name, string value)
    {
        Headers[name] = value;
        return this;
    }

    /// <summary>Sets the options of a stream.</summary>
    public ChatRequest AsStream()
    {
        Body["stream"] = true;
        Body["stream_options"] ??= new JsonObject { ["include_usage"] = true };
        return this;
    }

    /// <summary>Sends the request as it is. Returns when the headers of the response have arrived.</summary>
    public Task<HttpResponseMessage> SendAsync(CancellationToken cancellationToken = default) => _http.RequestAsync(
        HttpMethod.Post, "/v1/chat/completions", Key, Body, Headers, cancellationToken == default ? TestTimeout.Token : cancellationToken);

    /// <summary>Sends the request without streaming.</summary>
    /// <returns>The completion or the error.</returns>
    public async Task<ApiResponse> CompleteAsync()
    {
        Body["stream"] = false;
        using var response = await SendAsync();
        return await ApiResponse.ReadAsync(response);
    }

    /// <summary>Requests a stream, and expects an error response instead.</summary>
    public async Task<ApiResponse> StreamErrorAsync()
    {
        AsStream();
        using var response = await SendAsync();
        return await ApiResponse.ReadAsync(response);
    }

    /// <summary>Requests a stream. Returns when it has begun.</summary>
    public async Task<OpenReply> OpenStreamAsync()
    {
        AsStream();
        return await OpenReply.OpenAsync(await SendAsync(), TestTimeout.Token);
    }

    /// <summary>Requests a stream and reads it to its end.</summary>
    public async Task<StreamedReply> StreamAsync()
    {
        await using var open = await OpenStreamAsync();
        return await open.ReadAllAsync(TestTimeout.Token);
    }

    private bool IsOwn(CozeChat chat) => chat.Prompt.Contains(_mark, StringComparison.Ordinal);
}

/// <summary>A response in JSON.</summary>
internal sealed record ApiResponse(HttpResponseMessage Response, JsonElement Json)
{
    public int Status => (int)Response.StatusCode;

    public JsonElement Error => Json.Get("error");

    public JsonElement Message => Json.GetProperty("choices")[0].GetProperty("message");

    public string? Text => Message.Text("content");

    public JsonElement Extension => Json.GetProperty("cozecluster");

    public string? Header(string name) => Response.Headers.TryGetValues(name, out var values) ? values.Single() : null;

    public static async Task<ApiResponse> ReadAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync(TestTimeout.Token);
        var isProblem = (int)response.StatusCode >= 400 && response.RequestMessage!.RequestUri!.AbsolutePath.StartsWith("/admin/v1/", StringComparison.Ordinal);
        Assert.Equal(isProblem ? "application/problem+json" : "application/json", response.Content.Headers.ContentType?.MediaType);
        return new ApiResponse(response, JsonDocument.Parse(text).RootElement);
    }
}

/// <summary>Ends tests that hang.</summary>
internal static class TestTimeout
{
    /// <summary>A token that is cancelled after two minutes, or when the test is cancelled.</summary>
    public static CancellationToken Token => CancellationTokenSource.CreateLinkedTokenSource(
        TestContext.Current.CancellationToken, new CancellationTokenSource(TimeSpan.FromMinutes(2)).Token).Token;
}

/// <summary>Requests to a node.</summary>
internal static class HttpRequests
{
    /// <summary>Creates a client of a node. Without a drain timeout, a client that drops a reply closes its connection at once.</summary>
    public static HttpClient CreateClient(Uri node) =>
        new(new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero }) { BaseAddress = node, Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Sends a request. Returns when the headers of the response have arrived.</summary>
    public static Task<HttpResponseMessage> RequestAsync(
        this HttpClient http,
        HttpMethod method,
        string path,
        string? key = TestFleet.Key,
        JsonNode? body = null,
        IReadOnlyDictionary<string, string>? headers = null,
        CancellationToken cancellationToken = default)
    {
        var request = new HttpRequestMessage(method, path);
        if (key is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        foreach (var (name, value) in headers ?? new Dictionary<string, string>()) request.Headers.TryAddWithoutValidation(name, value);
        if (body is not null) request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        return http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    /// <summary>Reads the metrics of a node.</summary>
    public static async Task<string> ReadMetricsAsync(this HttpClient http, Uri? node = null)
    {
        var address = new Uri(node ?? http.BaseAddress!, "/metrics");
        using var request = new HttpRequestMessage(HttpMethod.Get, address) { Headers = { Authorization = new("Bearer", TestFleet.AdminKey) } };
        using var response = await http.SendAsync(request, TestTimeout.Token);
        return await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(TestTimeout.Token);
    }

    /// <summary>Sends a request and reads the response.</summary>
    public static async Task<ApiResponse> RequestJsonAsync(
        this HttpClient http, HttpMethod method, string path, string? key = TestFleet.Key, JsonNode? body = null)
    {
        using var response = await http.RequestAsync(method, path, key, body, cancellationToken: TestTimeout.Token);
        return await ApiResponse.ReadAsync(response);
    }

    /// <summary>Gets the turn from <c>/v1/turns</c>, and the text of its reply.</summary>
    public static async Task<(ApiResponse Turn, string? Text)> GetTurnAsync(this HttpClient http, string turnId)
    {
        var turn = await http.RequestJsonAsync(HttpMethod.Get, $"/v1/turns/{turnId}");
        return (turn, turn.Json.GetProperty("reply").GetProperty("choices")[0].GetProperty("message").Text("content"));
    }

    /// <summary>Gets the turns of a conversation.</summary>
    public static async Task<IReadOnlyList<JsonElement>> GetTurnsAsync(this HttpClient http, string conversation, string key = TestFleet.Key) =>
        [.. (await http.RequestJsonAsync(HttpMethod.Get, $"/cozecluster/v1/conversations/{conversation}", key)).Json.GetProperty("data").EnumerateArray()];

    /// <summary>Opens the events of a turn.</summary>
    /// <param name="http">A client of a node.</param>
    /// <param name="turnId">The turn.</param>
    /// <param name="after">The id of the event behind which the events begin; null for the start.</param>
    public static async Task<OpenReply> FollowAsync(this HttpClient http, string turnId, string? after)
    {
        var headers = new Dictionary<string, string>();
        if (after is not null) headers["Last-Event-ID"] = after;
        var path = $"/v1/turns/{turnId}/events?include_usage=true";
        var response = await http.RequestAsync(HttpMethod.Get, path, headers: headers, cancellationToken: TestTimeout.Token);
        return await OpenReply.OpenAsync(response, TestTimeout.Token);
    }
}
