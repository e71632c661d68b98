using System.Globalization;
using System.Text;
using System.Text.Json;
using CozeCluster.Sandbox.Coze;
using Microsoft.AspNetCore.Http.Features;

namespace CozeCluster.Sandbox.Claude;

/// <summary>The routes of the fake Claude.</summary>
internal static class ClaudeApi
{
    /// <summary>The largest request, in bytes.</summary>
    public const int MaxBody = 32_000_000;

    // What it removed is refused. Its other differences from the version before are not modelled.
    private const string NewestVersion = "2026-10-21";

    private static readonly string[] Keys = [FakeClaude.Key, "sk-ant-sandbox-2", "sk-ant-sandbox-forbidden", "sk-ant-sandbox-poor"];

    /// <summary>Maps every route of the fake Claude below <paramref name="routes"/>.</summary>
    public static void MapFakeClaude(this IEndpointRouteBuilder routes, FakeClaude claude)
    {
        Map("POST", "/v1/messages", CreateAsync);
        Map("GET", "/v1/models", (http, _) => WriteAsync(http, ModelList()));
        Map("GET", "/v1/models/{id}", (http, _) => WriteAsync(http, Model(FindModel((string)http.Request.RouteValues["id"]!))));

        Control("POST", "/sandbox/script", ScriptAsync);
        Control("GET", "/sandbox/messages", MessagesAsync);
        Control("POST", "/sandbox/reset", (_, fake) =>
        {
            fake.Reset();
            return Task.CompletedTask;
        });

        void Map(string method, string path, Func<HttpContext, FakeClaude, Task> handler) =>
            routes.MapMethods(path, [method], (RequestDelegate)(http => HandleAsync(http, claude, handler)));

        void Control(string method, string path, Func<HttpContext, FakeClaude, Task> handler) =>
            routes.MapMethods(path, [method], (RequestDelegate)(http => HandleControlAsync(http, claude, handler)));
    }

    /// <summary>Quotes a text as JSON.</summary>
    public static string Quote(string text) => $"\"{JsonEncodedText.Encode(text, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    /// <summary>The error object of the API.</summary>
    public static string ErrorObject(ClaudeException error, string requestId) =>
        $$"""{"type":"error","error":{"type":"{{error.Type}}","message":{{Quote(error.Message)}}},"request_id":"{{requestId}}"}""";

    public static Task WriteAsync(HttpContext http, string json, int status = StatusCodes.Status200OK)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = bytes.Length;
        return http.Response.Body.WriteAsync(bytes, http.RequestAborted).AsTask();
    }

    private static async Task HandleAsync(HttpContext http, FakeClaude claude, Func<HttpContext, FakeClaude, Task> handler)
    {
        var requestId = claude.NewId("req");
        http.Response.Headers["request-id"] = requestId;
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = null;
        try
        {
            Authenticate(http);
            SetLimits(http, claude, remaining: 3999, TimeSpan.FromSeconds(1));
            await handler(http, claude);
        }
        catch (ClaudeException error)
        {
            claude.CountRefusal(error.Type);
            await WriteAsync(http, ErrorObject(error, requestId), error.Status);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client has disconnected, so there is no response to write.
        }
    }

    private static async Task HandleControlAsync(HttpContext http, FakeClaude claude, Func<HttpContext, FakeClaude, Task> handler)
    {
        try
        {
            await handler(http, claude);
        }
        catch (Exception error) when (error is DirectiveException or JsonException)
        {
            await WriteAsync(http, $$"""{"error":{{Quote(error.Message)}}}""", StatusCodes.Status400BadRequest);
        }
    }

    private static async Task CreateAsync(HttpContext http, FakeClaude claude)
    {
        if (http.Request.Headers["anthropic-version"].ToString() is not { Length: > 0 } version)
            throw ClaudeException.Invalid("anthropic-version: header is required");
        if (version is not ("2023-06-01" or NewestVersion)) throw ClaudeException.Invalid($"anthropic-version: \"{version}\" is not a valid version");
        if (http.Request.ContentType?.StartsWith("application/json", StringComparison.OrdinalIgnoreCase) is not true)
            throw ClaudeException.Invalid("content-type: must be application/json");
        var body = await ReadBodyAsync(http);
        var model = ClaudeValidator.Check(body, hasSampling: version != NewestVersion);
        if (KeyOf(http) == "sk-ant-sandbox-poor") throw ClaudeException.Named("credit");

        var prompt = ClaudePrompts.LastUserText(body);
        var (text, script) = ClaudeDirectives.Parser.ParsePrompt(prompt, claude.Scripts.Take());
        if (await FailEarlyAsync(http, claude, script)) return;
        var record = new ClaudeRecord(
            claude.NewId("msg"), model.Id, KeyOf(http),
            http.Request.Headers["anthropic-beta"].ToString() is { Length: > 0 } beta ? beta : null, body.GetRawText());
        claude.Add(record);
        await new ClaudeRunner(http, claude, record, script, ClaudePlanner.Plan(body, text, script)).RunAsync();
    }

    private static async Task<bool> FailEarlyAsync(HttpContext http, FakeClaude claude, ClaudeScript script)
    {
        if (script.RetryAfter is { } wait) http.Response.Headers.RetryAfter = ((int)wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        if (script.ResetAfter is { } reset) SetLimits(http, claude, remaining: 0, reset);
        if (script.EarlyError is { } name)
        {
            var error = ClaudeException.Named(name);
            throw new ClaudeException(error.Type, error.Message, script.Http ?? error.Status);
        }
        if (script.Http is not { } status) return false;
        await FaultInjector.WriteProxyErrorAsync(http, status);
        return true;
    }

    private static void Authenticate(HttpContext http)
    {
        var key = KeyOf(http);
        if (key.Length == 0) throw new ClaudeException("authentication_error", "x-api-key header is required");
        if (!Keys.Contains(key)) throw new ClaudeException("authentication_error", "invalid x-api-key");
        if (key == "sk-ant-sandbox-forbidden")
            throw new ClaudeException("permission_error", "Your API key does not have permission to use the specified resource");
    }

    private static string KeyOf(HttpContext http)
    {
        if (http.Request.Headers["x-api-key"].ToString() is { Length: > 0 } key) return key;
        var bearer = http.Request.Headers.Authorization.ToString();
        return bearer.StartsWith("Bearer ", StringComparison.Ordinal) ? bearer["Bearer ".Length..] : "";
    }

    private static void SetLimits(HttpContext http, FakeClaude claude, int remaining, TimeSpan reset)
    {
        var at = (claude.Time.GetUtcNow() + reset).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        foreach (var limit in (ReadOnlySpan<string>)["requests", "tokens", "input-tokens", "output-tokens"])
        {
            var isRequests = limit == "requests";
            http.Response.Headers[$"anthropic-ratelimit-{limit}-limit"] = isRequests ? "4000" : "400000";
            http.Response.Headers[$"anthropic-ratelimit-{limit}-remaining"] = isRequests ? $"{remaining}" : "399000";
            http.Response.Headers[$"anthropic-ratelimit-{limit}-reset"] = at;
        }
    }

    private static async Task<JsonElement> ReadBodyAsync(HttpContext http)
    {
        if (http.Request.ContentLength > MaxBody) throw new ClaudeException("request_too_large", "Request exceeds the maximum size");
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body, http.RequestAborted);
        if (body.Length > MaxBody) throw new ClaudeException("request_too_large", "Request exceeds the maximum size");
        try
        {
            var reader = new Utf8JsonReader(body.GetBuffer().AsSpan(0, (int)body.Length));
            var json = JsonElement.ParseValue(ref reader);
            return reader.BytesConsumed == body.Length || !reader.Read() ? json : throw new JsonException();
        }
        catch (JsonException)
        {
            throw ClaudeException.Invalid("The request body is not valid JSON");
        }
    }

    private static ClaudeModelInfo FindModel(string id) => ClaudeModelInfo.Find(id) ?? throw new ClaudeException("not_found_error", $"model: {id}");

    private static string ModelList()
    {
        var (first, last) = (ClaudeModelInfo.All[0].Id, ClaudeModelInfo.All[^1].Id);
        return $$"""{"data":[{{string.Join(',', ClaudeModelInfo.All.Select(Model))}}],"has_more":false,"first_id":"{{first}}","last_id":"{{last}}"}""";
    }

    private static string Model(ClaudeModelInfo model) => $$"""
        {"type":"model","id":"{{model.Id}}","display_name":"{{model.Id}}","created_at":"2026-01-01T00:00:00Z",
         "max_input_tokens":{{ClaudeModelInfo.ContextTokens}},"max_tokens":{{model.MaxTokens}}}
        """;

    private static async Task ScriptAsync(HttpContext http, FakeClaude claude)
    {
        var request = await JsonSerializer.DeserializeAsync(http.Request.Body, CozeJson.Utf8.ScriptRequest, http.RequestAborted);
        if (request?.Script is null || request.Times is < 1) throw new DirectiveException("script is required, and times must be at least 1");
        claude.Scripts.Add(request.Script, request.Times);
    }

    private static Task MessagesAsync(HttpContext http, FakeClaude claude) => WriteAsync(http, $"[{string.Join(',', claude.Messages.Select(Record))}]");

    private static string Record(ClaudeRecord message) => $$"""
        {"id":"{{message.Id}}","model":"{{message.Model}}","key":"{{message.Key}}","status":"{{message.Status.ToString().ToLowerInvariant()}}",
         "deltas":{{message.Deltas}},"text":{{Quote(message.Text)}},"thinking":{{Quote(message.Thinking)}},"request":{{message.Body}}}
        """;
}
