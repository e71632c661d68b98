using System.Text.Json;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.Sandbox.OpenAi;

/// <summary><c>POST /chat/completions</c> and <c>GET /models</c>.</summary>
internal static class OpenAiCompletionApi
{
    private const int MaxBodySize = 100 * 1024 * 1024;

    public static async Task CompleteAsync(HttpContext http, FakeOpenAi fake)
    {
        if (http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = MaxBodySize;
        try
        {
            await CompleteAsync(http, fake, Authenticate(http));
        }
        catch (OpenAiError error)
        {
            await error.WriteAsync(http);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            await OpenAiError.Invalid("", $"We could not parse the body of your request: {error.Message}").WriteAsync(http);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client has disconnected.
        }
    }

    public static async Task ModelsAsync(HttpContext http)
    {
        try
        {
            Authenticate(http);
        }
        catch (OpenAiError error)
        {
            await error.WriteAsync(http);
            return;
        }
        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync(
            $$"""{"object":"list","data":[{"id":"{{FakeOpenAi.Model}}","object":"model","created":1700000000,"owned_by":"sandbox"}]}""", http.RequestAborted);
    }

    private static async Task CompleteAsync(HttpContext http, FakeOpenAi fake, string token)
    {
        using var document = await JsonDocument.ParseAsync(http.Request.Body, default, http.RequestAborted);
        var body = document.RootElement;
        OpenAiValidator.Check(body);
        var model = body.GetProperty("model").GetString()!;
        if (model != FakeOpenAi.Model) throw new OpenAiError(404, $"The model `{model}` does not exist.", "invalid_request_error", "model_not_found");

        var (prompt, script) = ChatDirectives.Parser.ParsePrompt(FindPrompt(body), fake.Scripts.Take());
        if (script.EarlyError is not null || script.Http is not null)
        {
            await WriteScriptedErrorAsync(http, fake, script);
            return;
        }
        var isStream = body.TryGetProperty("stream", out var stream) && stream.ValueKind == JsonValueKind.True;
        var completion = fake.Add(token, body.GetRawText(), prompt, model, isStream);
        http.Response.Headers["x-request-id"] = $"req_{completion.Sequence}";
        var plan = OpenAiPlan.Create(body, prompt, script);
        await new OpenAiRunner(http, fake, completion, script, plan).RunAsync();
    }

    /// <summary>Checks the token of a request.</summary>
    /// <exception cref="OpenAiError">It is not accepted.</exception>
    public static string Authenticate(HttpContext http)
    {
        var token = http.Request.Headers.Authorization.ToString() is { } header && header.StartsWith("Bearer ", StringComparison.Ordinal) ? header[7..] : "";
        return token switch
        {
            FakeOpenAi.Token or FakeOpenAi.OwnToken => token,
            FakeOpenAi.TokenWithoutCredit => throw OpenAiError.OfStatus(402),
            // The real server repeats a part of the key.
            _ => throw new OpenAiError(401, $"Incorrect API key provided: {token}.", "invalid_request_error", "invalid_api_key"),
        };
    }

    private static string FindPrompt(JsonElement body)
    {
        var message = body.GetProperty("messages").EnumerateArray().LastOrDefault(message => message.GetProperty("role").ValueEquals("user"));
        if (message.ValueKind == JsonValueKind.Undefined) return "";
        var content = message.GetProperty("content");
        if (content.ValueKind == JsonValueKind.String) return content.GetString()!;
        var texts = content.EnumerateArray().Where(part => part.GetProperty("type").ValueEquals("text"));
        return string.Join('\n', texts.Select(part => part.GetProperty("text").GetString()));
    }

    private static async Task WriteScriptedErrorAsync(HttpContext http, FakeOpenAi fake, ChatScript script)
    {
        if (script.FirstByte > TimeSpan.Zero) await Task.Delay(script.FirstByte, fake.Time, http.RequestAborted);
        if (script.RetryAfter is { } wait) http.Response.Headers.RetryAfter = $"{Math.Ceiling(wait.TotalSeconds)}";
        if (script.EarlyError is { } status) throw OpenAiError.OfStatus(status);
        await OpenAiError.WriteProxyErrorAsync(http, script.Http!.Value);
    }
}
