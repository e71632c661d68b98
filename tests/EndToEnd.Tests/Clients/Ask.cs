using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.EndToEnd.Tests;

/// <summary>One question to a model, by plain HTTP, and what the fake Coze saw of it.</summary>
internal sealed class Ask
{
    private HttpClient _http;
    private readonly FakeCoze? _coze;
    private readonly string _mark = $"mark-{Guid.NewGuid():n}";

    /// <param name="http">For the node.</param>
    /// <param name="coze">That the model sends to; null: the model sends elsewhere.</param>
    /// <param name="model">The model.</param>
    /// <param name="directives">What the sandbox is to do, without brackets.</param>
    public Ask(HttpClient http, FakeCoze? coze, string model, string directives)
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

    /// <summary>The prompt; nobody else's is like it.</summary>
    public string Prompt { get; }

    /// <summary>The request body, to be changed before it is sent.</summary>
    public JsonObject Body { get; }

    public Dictionary<string, string> Headers { get; } = [];

    public string Key { get; set; } = TestFleet.Key;

    /// <summary>Ends a test that hangs.</summary>
    public static CancellationToken Patience => CancellationTokenSource.CreateLinkedTokenSource(
        TestContext.Current.CancellationToken, new CancellationTokenSource(TimeSpan.FromSeconds(120)).Token).Token;

    /// <summary>Its chats at the fake Coze, oldest first.</summary>
    public IReadOnlyList<CozeChat> Chats => [.. _coze!.Chats.Where(IsMine)];

    /// <summary>Its only chat.</summary>
    public CozeChat Chat => Assert.Single(Chats);

    /// <summary>Its chat, once it is so.</summary>
    public Task<CozeChat> WaitForChatAsync(Func<CozeChat, bool> fits) => _coze!.WaitForChatAsync(chat => IsMine(chat) && fits(chat), Patience);

    /// <summary>Has it sent somewhere else from now on.</summary>
    public Ask To(HttpClient http)
    {
        _http = http;
        return this;
    }

    public Ask With(Action<JsonObject> change)
    {
        change(Body);
        return this;
    }

    public Ask WithHeader(string name, string value)
    {
        Headers[name] = value;
        return this;
    }

    /// <summary>Sends it as it is; returns with the head of the answer.</summary>
    public Task<HttpResponseMessage> SendAsync(CancellationToken cancellationToken = default) =>
        _http.CallAsync(HttpMethod.Post, "/v1/chat/completions", Key, Body, Headers, cancellationToken == default ? Patience : cancellationToken);

    /// <summary>Has it answered whole.</summary>
    /// <returns>The completion, or whatever else came.</returns>
    public async Task<Answer> CompleteAsync()
    {
        Body["stream"] = false;
        using var response = await SendAsync();
        return await Answer.OfAsync(response);
    }

    /// <summary>Asks for a stream, and expects an error in its place.</summary>
    public async Task<Answer> StreamInVainAsync()
    {
        AsStream();
        using var response = await SendAsync();
        return await Answer.OfAsync(response);
    }

    /// <summary>Has it answered as a stream.</summary>
    public Ask AsStream()
    {
        Body["stream"] = true;
        Body["stream_options"] ??= new JsonObject { ["include_usage"] = true };
        return this;
    }

    /// <summary>Begins a stream.</summary>
    public async Task<OpenReply> OpenStreamAsync()
    {
        AsStream();
        return await OpenReply.OpenAsync(await SendAsync(), Patience);
    }

    /// <summary>Streams to the end.</summary>
    public async Task<StreamedReply> StreamAsync()
    {
        await using var open = await OpenStreamAsync();
        return await open.ReadAllAsync(Patience);
    }

    private bool IsMine(CozeChat chat) => chat.Prompt.Contains(_mark, StringComparison.Ordinal);
}

/// <summary>An answer in JSON.</summary>
internal sealed record Answer(HttpResponseMessage Response, JsonElement Json)
{
    public int Status => (int)Response.StatusCode;

    public JsonElement Error => Json.Get("error");

    public JsonElement Message => Json.GetProperty("choices")[0].GetProperty("message");

    public string? Text => Message.Text("content");

    public JsonElement Extension => Json.GetProperty("cozecluster");

    public string? Header(string name) => Response.Headers.TryGetValues(name, out var values) ? values.Single() : null;

    public static async Task<Answer> OfAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync(Ask.Patience);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        return new Answer(response, JsonDocument.Parse(text).RootElement);
    }
}

internal static class HttpCalls
{
    /// <summary>A client for a node. Who drops a reply drops its connection at once, instead of reading on for a while to keep it.</summary>
    public static HttpClient Client(Uri node) =>
        new(new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero }) { BaseAddress = node, Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Calls the node; returns with the head of the answer.</summary>
    public static Task<HttpResponseMessage> CallAsync(
        this HttpClient http, HttpMethod method, string path, string? key = TestFleet.Key, JsonNode? body = null,
        IReadOnlyDictionary<string, string>? headers = null, CancellationToken cancellationToken = default)
    {
        var request = new HttpRequestMessage(method, path);
        if (key is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        foreach (var (name, value) in headers ?? new Dictionary<string, string>()) request.Headers.TryAddWithoutValidation(name, value);
        if (body is not null) request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        return http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    /// <summary>Calls the node and reads the answer.</summary>
    public static async Task<Answer> AnswerAsync(this HttpClient http, HttpMethod method, string path, string? key = TestFleet.Key, JsonNode? body = null)
    {
        using var response = await http.CallAsync(method, path, key, body, cancellationToken: Ask.Patience);
        return await Answer.OfAsync(response);
    }

    /// <summary>Follows a turn's events from a place to the end, or to where the caller stops reading.</summary>
    public static async Task<OpenReply> FollowAsync(this HttpClient http, string turnId, string? after, string key = TestFleet.Key)
    {
        var headers = new Dictionary<string, string>();
        if (after is not null) headers["Last-Event-ID"] = after;
        return await OpenReply.OpenAsync(
            await http.CallAsync(HttpMethod.Get, $"/v1/turns/{turnId}/events?include_usage=true", key, null, headers, Ask.Patience), Ask.Patience);
    }
}
