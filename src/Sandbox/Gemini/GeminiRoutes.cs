using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.Features;

namespace CozeCluster.Sandbox.Gemini;

/// <summary>The routes of the fake Gemini, and its control endpoints.</summary>
internal static class GeminiRoutes
{
    // The API's limit for a request with files in it.
    private const int MaxBodySize = 100 * 1024 * 1024;

    /// <summary>Maps every route of the fake Gemini below <paramref name="routes"/>.</summary>
    public static void MapFakeGemini(this IEndpointRouteBuilder routes, FakeGemini gemini)
    {
        Map("GET", "/v1beta/models", (http, key) => WriteAsync(http, GeminiModels.List()));
        Map("GET", "/v1beta/models/{name}", (http, key) => WriteAsync(http, GeminiModels.Get((string)http.Request.RouteValues["name"]!).ToJson()));
        Map("POST", "/v1beta/models/{target}", (http, key) => GenerateAsync(http, gemini, key));

        Control("POST", "/sandbox/script", async http =>
        {
            var body = await ReadAsync(http);
            gemini.Scripts.Add((string?)body["script"] ?? throw new DirectiveException("script is required"), (int?)body["times"]);
        });
        Control("POST", "/sandbox/reset", http =>
        {
            gemini.Reset();
            return Task.CompletedTask;
        });
        Control("GET", "/sandbox/calls", async http =>
        {
            var prompt = http.Request.Query["prompt"].ToString();
            var isEnded = http.Request.Query["ended"] == "true";
            bool Matches(GeminiCall call) => call.Prompt.Contains(prompt, StringComparison.Ordinal) && (!isEnded || call.Ended);
            if (http.Request.Query["wait"] == "true") await gemini.WaitForCallAsync(Matches, http.RequestAborted);
            await WriteAsync(http, new JsonObject { ["calls"] = new JsonArray([.. gemini.Calls.Where(Matches).Select(ToJson)]) });
        });

        void Map(string method, string path, Func<HttpContext, string, Task> handler) => routes.MapMethods(path, [method], (RequestDelegate)(async http =>
        {
            try
            {
                await handler(http, Authenticate(http));
            }
            catch (GeminiException error)
            {
                await WriteAsync(http, error.ToJson(), error.Code);
            }
            catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested || gemini.Stopping.IsCancellationRequested)
            {
                // There is no client to answer.
            }
        }));

        void Control(string method, string path, Func<HttpContext, Task> handler) => routes.MapMethods(path, [method], (RequestDelegate)(async http =>
        {
            try
            {
                await handler(http);
            }
            catch (Exception error) when (error is GeminiException or DirectiveException)
            {
                await WriteAsync(http, new JsonObject { ["error"] = error.Message }, StatusCodes.Status400BadRequest);
            }
        }));
    }

    /// <summary>Writes JSON.</summary>
    public static Task WriteAsync(HttpContext http, JsonNode json, int status = StatusCodes.Status200OK)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json; charset=UTF-8";
        // Google's answers are indented.
        return http.Response.Body.WriteAsync(
            Encoding.UTF8.GetBytes(json.ToJsonString(new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping })),
            http.RequestAborted).AsTask();
    }

    private static async Task GenerateAsync(HttpContext http, FakeGemini gemini, string key)
    {
        var target = (string)http.Request.RouteValues["target"]!;
        var colon = target.LastIndexOf(':');
        var (name, method) = colon < 0 ? (target, "") : (target[..colon], target[(colon + 1)..]);
        if (method is not ("generateContent" or "streamGenerateContent" or "countTokens")) throw new GeminiException(404, "Requested entity was not found.");
        var model = GeminiModels.Get(name);
        var request = await ReadAsync(http);
        if (method == "countTokens")
        {
            GeminiValidator.CheckContents(request, model, gemini);
            await WriteAsync(http, new JsonObject { ["totalTokens"] = GeminiReply.CountTokens(request) });
            return;
        }
        GeminiValidator.Check(request, model, gemini);
        var isStream = method == "streamGenerateContent";
        await GeminiReply.RunAsync(http, gemini, model, key, request, isStream, isSse: isStream && http.Request.Query["alt"] == "sse");
    }

    private static string Authenticate(HttpContext http)
    {
        var key = http.Request.Headers["x-goog-api-key"].ToString() is { Length: > 0 } header ? header : http.Request.Query["key"].ToString();
        return key switch
        {
            FakeGemini.Key => key,
            FakeGemini.ExpiredKey => throw new GeminiException(400, "API key expired. Please renew the API key.") { Reason = "API_KEY_INVALID" },
            "" => throw new GeminiException(
                403, "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer "
                + "identity to call this API."),
            _ => throw new GeminiException(400, "API key not valid. Please pass a valid API key.") { Reason = "API_KEY_INVALID" },
        };
    }

    private static async Task<JsonObject> ReadAsync(HttpContext http)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = MaxBodySize;
        try
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body, http.RequestAborted);
            return JsonNode.Parse(body.GetBuffer().AsSpan(0, (int)body.Length)) as JsonObject
                ?? throw GeminiException.Invalid("Invalid JSON payload received. Expected an object.");
        }
        catch (JsonException)
        {
            throw GeminiException.Invalid("Invalid JSON payload received. Unexpected token.");
        }
        catch (BadHttpRequestException)
        {
            throw GeminiException.Invalid($"Request payload size exceeds the limit: {MaxBodySize} bytes.");
        }
    }

    private static JsonNode ToJson(GeminiCall call) => new JsonObject
    {
        ["sequence"] = call.Sequence,
        ["model"] = call.Model,
        ["prompt"] = call.Prompt,
        ["answer"] = call.Answer,
        ["chunks_sent"] = call.ChunksSent,
        ["ended"] = call.Ended,
        ["client_gone"] = call.ClientGone,
        ["request"] = call.Request.DeepClone(),
    };
}

/// <summary>A model of the fake.</summary>
/// <param name="Name">The name.</param>
/// <param name="Thinks">Whether it thinks.</param>
/// <param name="HasLevels">Whether thinking has levels, and function calls are signed.</param>
internal sealed record SeededModel(string Name, bool Thinks, bool HasLevels)
{
    public JsonObject ToJson() => new()
    {
        ["name"] = $"models/{Name}",
        ["version"] = "001",
        ["displayName"] = $"Sandbox {Name}",
        ["inputTokenLimit"] = GeminiModels.MaxInputTokens,
        ["outputTokenLimit"] = 65_536,
        ["supportedGenerationMethods"] = new JsonArray("generateContent", "countTokens"),
        ["thinking"] = Thinks,
    };
}

/// <summary>The models of the fake.</summary>
internal static class GeminiModels
{
    /// <summary>The longest prompt, in tokens.</summary>
    public const int MaxInputTokens = 1_048_576;

    private static readonly SeededModel[] All =
    [
        new("gemini-2.0-flash", Thinks: false, HasLevels: false),
        new("gemini-2.5-flash", Thinks: true, HasLevels: false),
        new("gemini-2.5-pro", Thinks: true, HasLevels: false),
        new("gemini-3-pro", Thinks: true, HasLevels: true),
    ];

    public static JsonObject List() => new() { ["models"] = new JsonArray([.. All.Select(model => model.ToJson())]) };

    public static SeededModel Get(string name) => All.FirstOrDefault(model => model.Name == name) ?? throw new GeminiException(
        404,
        $"models/{name} is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of available models "
        + "and their supported methods.");
}
