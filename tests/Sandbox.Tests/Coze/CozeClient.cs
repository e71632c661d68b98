using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.Sandbox.Tests.Coze;

/// <summary>A running sandbox and an HTTP client for its fake Coze, for one test.</summary>
internal sealed class CozeClient : IAsyncDisposable
{
    public const string Bot = "7350000000000000001";
    private readonly SandboxServer _server;
    private readonly CancellationTokenSource _timeout = new(TimeSpan.FromSeconds(30));

    private CozeClient(SandboxServer server)
    {
        _server = server;
        Http = new HttpClient { BaseAddress = new Uri(server.BaseUrl, "coze/") };
        Token = "pat_sandbox";
    }

    public HttpClient Http { get; }

    public FakeCoze Coze => _server.Coze;

    /// <summary>Cancels a test that takes too long.</summary>
    public CancellationToken TimeoutToken => _timeout.Token;

    public string? Token
    {
        set => Http.DefaultRequestHeaders.Authorization = value is null ? null : new AuthenticationHeaderValue("Bearer", value);
    }

    public static async Task<CozeClient> StartAsync(SandboxOptions? options = null) =>
        new(await SandboxServer.StartAsync(options ?? new SandboxOptions(), TestContext.Current.CancellationToken));

    public static JsonObject Body(string prompt, bool stream = true, string bot = Bot) => new()
    {
        ["bot_id"] = bot,
        ["user_id"] = "user-1",
        ["stream"] = stream,
        ["additional_messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = prompt, ["content_type"] = "text" }),
    };

    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, JsonNode? body = null) => Http.SendAsync(
        new HttpRequestMessage(method, path) { Content = body is null ? null : Json(body) }, HttpCompletionOption.ResponseHeadersRead, TimeoutToken);

    /// <summary>Sends a request and returns the JSON of the response, with any status.</summary>
    public async Task<JsonNode> SendJsonAsync(HttpMethod method, string path, JsonNode? body = null)
    {
        using var response = await SendAsync(method, path, body);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync(TimeoutToken))!;
    }

    public Task<JsonNode> GetAsync(string path) => SendJsonAsync(HttpMethod.Get, path);

    public Task<JsonNode> PostAsync(string path, JsonNode? body = null) => SendJsonAsync(HttpMethod.Post, path, body);

    /// <summary>Starts a streamed chat and reads it to its end.</summary>
    public async Task<List<CozeEvent>> StreamAsync(string prompt, string query = "")
    {
        var events = new List<CozeEvent>();
        await using var stream = await OpenAsync(prompt, query);
        while (await stream.NextAsync() is { } next) events.Add(next);
        return events;
    }

    /// <summary>Sends a request with a streamed response and reads it to its end.</summary>
    public async Task<List<CozeEvent>> StreamAsync(string path, JsonNode body)
    {
        var events = new List<CozeEvent>();
        await using var stream = new OpenStream(await SendAsync(HttpMethod.Post, path, body), TimeoutToken);
        while (await stream.NextAsync() is { } next) events.Add(next);
        return events;
    }

    /// <summary>Starts a streamed chat. The test reads the stream.</summary>
    public async Task<OpenStream> OpenAsync(string prompt, string query = "") =>
        new(await SendAsync(HttpMethod.Post, $"v3/chat{query}", Body(prompt)), TimeoutToken);

    /// <summary>Starts a chat without a stream.</summary>
    public async Task<JsonNode> StartChatAsync(string prompt, string query = "") => (await PostAsync($"v3/chat{query}", Body(prompt, stream: false)))["data"]!;

    /// <summary>The message list of a chat.</summary>
    public async Task<JsonArray> MessagesAsync(CozeChat chat) =>
        (await GetAsync($"v3/chat/message/list?conversation_id={chat.ConversationId}&chat_id={chat.Id}"))["data"]!.AsArray();

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _server.DisposeAsync();
        _timeout.Dispose();
    }

    private static StringContent Json(JsonNode body) => new(body.ToJsonString(), Encoding.UTF8, "application/json");
}

/// <summary>An event of a streamed chat.</summary>
internal sealed record CozeEvent(string Name, string Data)
{
    public JsonNode Json => JsonNode.Parse(Data)!;

    public string? this[string field] => Json[field]?.GetValueKind() == JsonValueKind.String ? (string?)Json[field] : Json[field]?.ToJsonString();
}

/// <summary>The stream of a chat.</summary>
internal sealed class OpenStream(HttpResponseMessage response, CancellationToken timeoutToken) : IAsyncDisposable
{
    private IAsyncEnumerator<SseItem<string>>? _events;

    public HttpResponseMessage Response => response;

    /// <summary>The next event, or null at the end.</summary>
    public async Task<CozeEvent?> NextAsync()
    {
        _events ??= SseParser.Create(await response.Content.ReadAsStreamAsync(timeoutToken)).EnumerateAsync(timeoutToken).GetAsyncEnumerator(timeoutToken);
        return await _events.MoveNextAsync() ? new CozeEvent(_events.Current.EventType, _events.Current.Data) : null;
    }

    /// <summary>Reads up to the next event with this name, and returns it.</summary>
    public async Task<CozeEvent> ReadUntilAsync(string name)
    {
        while (await NextAsync() is { } next)
            if (next.Name == name) return next;
        throw new InvalidOperationException($"The stream ended without {name}.");
    }

    public async ValueTask DisposeAsync()
    {
        response.Dispose();
        if (_events is null) return;
        try
        {
            await _events.DisposeAsync();
        }
        catch (NotSupportedException)
        {
            // A read is still in progress. Disposing the response above has ended it.
        }
    }
}

internal static class CozeEvents
{
    public const string Created = "conversation.chat.created";
    public const string InProgress = "conversation.chat.in_progress";
    public const string Delta = "conversation.message.delta";
    public const string MessageCompleted = "conversation.message.completed";
    public const string Completed = "conversation.chat.completed";
    public const string Failed = "conversation.chat.failed";
    public const string RequiresAction = "conversation.chat.requires_action";
    public const string Audio = "conversation.audio.delta";
    public const string Error = "error";
    public const string Done = "done";

    /// <summary>The text of all deltas.</summary>
    public static string Text(this IEnumerable<CozeEvent> events) => string.Concat(events.Where(e => e.Name == Delta).Select(e => e["content"]));

    /// <summary>The completed messages of a type.</summary>
    public static List<CozeEvent> Messages(this IEnumerable<CozeEvent> events, string type) =>
        [.. events.Where(e => e.Name == MessageCompleted && e["type"] == type)];

    public static CozeEvent One(this IEnumerable<CozeEvent> events, string name) => events.Single(e => e.Name == name);
}
