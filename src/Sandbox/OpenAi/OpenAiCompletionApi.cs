using System.Text.Json;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.Sandbox.OpenAi;

/// <summary><c>POST /chat/completions</c> and <c>GET /models</c>.</summary>
internal static class OpenAiCompletionApi
{
    private const int MaxBodySize = 100 * 1024 * 1024;

    public static Task CompleteAsync(HttpContext http, FakeOpenAi fake) => AnswerAsync(http, token => CompleteAsync(http, fake, token));

    /// <summary>Answers a request, with an error in the API's form if it is not valid.</summary>
    /// <param name="http">The request.</param>
    /// <param name="answer">Gets the token of the request.</param>
    public static async Task AnswerAsync(HttpContext http, Func<string, Task> answer)
    {
        if (http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = MaxBodySize;
        try
        {
            await answer(Authenticate(http));
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

    public static Task ModelsAsync(HttpContext http) => AnswerAsync(http, _ =>
    {
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(
            $$"""{"object":"list","data":[{"id":"{{FakeOpenAi.Model}}","object":"model","created":1700000000,"owned_by":"sandbox"}]}""", http.RequestAborted);
    });

    /// <summary>Sends the error that a script wants instead of a reply.</summary>
    /// <returns>False if it wants none.</returns>
    public static async Task<bool> WriteScriptedErrorAsync(HttpContext http, FakeOpenAi fake, ChatScript script)
    {
        if (script.EarlyError is null && script.Http is null) return false;
        if (script.FirstByte > TimeSpan.Zero) await Task.Delay(script.FirstByte, fake.Time, http.RequestAborted);
        if (script.RetryAfter is { } wait) http.Response.Headers.RetryAfter = $"{Math.Ceiling(wait.TotalSeconds)}";
        if (script.EarlyError is { } status) throw OpenAiError.OfStatus(status);
        await OpenAiError.WriteProxyErrorAsync(http, script.Http!.Value);
        return true;
    }

    /// <summary>Reads the model that a request names.</summary>
    /// <exception cref="OpenAiError">The fake does not have it.</exception>
    public static string ReadModel(JsonElement body)
    {
        var model = body.GetProperty("model").GetString()!;
        return model == FakeOpenAi.Model
            ? model
            : throw new OpenAiError(404, $"The model `{model}` does not exist.", "invalid_request_error", "model_not_found");
    }

    private static async Task CompleteAsync(HttpContext http, FakeOpenAi fake, string token)
    {
        using var document = await JsonDocument.ParseAsync(http.Request.Body, default, http.RequestAborted);
        var body = document.RootElement;
        OpenAiValidator.Check(body);
        var model = ReadModel(body);
        var prompt = OpenAiPrompt.OfChat(body);
        var (text, script) = ChatDirectives.Parser.ParsePrompt(prompt.Text, fake.Scripts.Take());
        if (await WriteScriptedErrorAsync(http, fake, script)) return;
        if (script.WantsReasoning) OpenAiValidator.CheckReasoning(body);
        var isStream = !script.Whole && body.TryGetProperty("stream", out var stream) && stream.ValueKind == JsonValueKind.True;
        var completion = fake.Add("chatcmpl-sandbox-", token, body.GetRawText(), text, model, isStream);
        http.Response.Headers["x-request-id"] = $"req_{completion.Sequence}";
        var plan = OpenAiPlan.Create(prompt, text, script);
        var includeUsage = body.TryGetProperty("stream_options", out var options) && options.TryGetProperty("include_usage", out var include)
            && include.ValueKind == JsonValueKind.True;
        await new OpenAiRunner(http, fake, completion, script, plan, includeUsage && plan.HasUsage).RunAsync();
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
}
