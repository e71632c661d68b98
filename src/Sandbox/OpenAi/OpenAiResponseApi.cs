using System.Globalization;
using System.Text.Json;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.Sandbox.OpenAi;

/// <summary><c>POST /responses</c>, and the requests about a response.</summary>
internal static class OpenAiResponseApi
{
    public static Task CreateAsync(HttpContext http, FakeOpenAi fake) => OpenAiCompletionApi.AnswerAsync(http, async token =>
    {
        using var document = await JsonDocument.ParseAsync(http.Request.Body, default, http.RequestAborted);
        var body = document.RootElement;
        OpenAiResponseValidator.Check(body);
        var model = OpenAiCompletionApi.ReadModel(body);
        var prompt = OpenAiPrompt.OfResponse(body);
        var (text, script) = ChatDirectives.Parser.ParsePrompt(prompt.Text, fake.Scripts.Take());
        if (await OpenAiCompletionApi.WriteScriptedErrorAsync(http, fake, script)) return;

        var (isStream, isBackground) = (Flag(body, "stream", false), Flag(body, "background", false));
        var completion = fake.Add("resp_sandbox_", token, body.GetRawText(), text, model, isStream);
        var plan = OpenAiPlan.Create(prompt, text, script);
        var response = new OpenAiResponse(fake, completion, plan, script.Format, isBackground, isStored: Flag(body, "store", true));
        if (Flag(body, "store", true)) fake.Keep(response);
        http.Response.Headers["x-request-id"] = $"req_{completion.Sequence}";
        var created = response.ToJson();
        var running = new OpenAiResponseModel(fake, response, script, plan).RunAsync();
        // Only a background response continues without its client.
        await using var gone = isBackground ? default : http.RequestAborted.Register(response.Stop.Cancel);
        try
        {
            if (isStream) await new OpenAiResponseStream(http, fake, response).SendAsync(0, script.DisconnectAfter);
            else if (isBackground) await WriteAsync(http, created);
            else await WriteWholeAsync(http, response, script);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The client has disconnected.
        }
        finally
        {
            if (!isBackground && !response.HasEnded && script.DisconnectAfter is null) completion.SetClientGone();
            if (!isBackground) await response.Stop.CancelAsync();
        }
        if (!isBackground) await running;
    });

    public static Task RetrieveAsync(HttpContext http, FakeOpenAi fake) => OpenAiCompletionApi.AnswerAsync(http, async token =>
    {
        var response = Find(http, fake, token);
        if (http.Request.Query["stream"] != "true")
        {
            await WriteAsync(http, response.ToJson());
            return;
        }
        if (response is not { IsBackground: true, Completion.IsStream: true })
            throw OpenAiError.Invalid("stream", "Only responses that were created with 'background' and 'stream' can be streamed.");
        var after = -1;
        if (http.Request.Query["starting_after"].ToString() is { Length: > 0 } given && !int.TryParse(given, CultureInfo.InvariantCulture, out after))
            throw OpenAiError.Invalid("starting_after", "Invalid type for 'starting_after': expected an integer.");
        await new OpenAiResponseStream(http, fake, response).SendAsync(after + 1, disconnectAfter: null);
    });

    public static Task CancelAsync(HttpContext http, FakeOpenAi fake) => OpenAiCompletionApi.AnswerAsync(http, async token =>
    {
        var response = Find(http, fake, token);
        if (!response.IsBackground) throw OpenAiError.Invalid("response_id", "Cannot cancel a synchronous response.");
        if (!response.HasEnded)
        {
            response.SetStatus(null, "cancelled");
            response.Completion.SetCancelled();
            await response.Stop.CancelAsync();
        }
        await WriteAsync(http, response.ToJson());
    });

    public static Task DeleteAsync(HttpContext http, FakeOpenAi fake) => OpenAiCompletionApi.AnswerAsync(http, async token =>
    {
        var response = Find(http, fake, token);
        fake.Forget(response);
        await WriteAsync(http, $$"""{"id":"{{response.Id}}","object":"response","deleted":true}""");
    });

    private static OpenAiResponse Find(HttpContext http, FakeOpenAi fake, string token)
    {
        var id = (string)http.Request.RouteValues["id"]!;
        return fake.FindResponse(id) is { } response && response.Completion.Token == token
            ? response
            : throw new OpenAiError(404, $"Response with id '{id}' not found.", "invalid_request_error");
    }

    private static async Task WriteWholeAsync(HttpContext http, OpenAiResponse response, ChatScript script)
    {
        await response.WaitForEndAsync(http.RequestAborted);
        if (script.DisconnectAfter is not null) await OpenAiResponseStream.AbortAsync(http);
        else if (response.Status == "failed") await OpenAiError.OfStatus(script.Error ?? script.Failed ?? 500).WriteAsync(http);
        else await WriteAsync(http, response.ToJson());
    }

    private static Task WriteAsync(HttpContext http, string json)
    {
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(json, http.RequestAborted);
    }

    private static bool Flag(JsonElement body, string name, bool otherwise) =>
        body.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.ValueKind == JsonValueKind.True
            : otherwise;
}

/// <summary>Sends the events of a response to one client.</summary>
internal sealed class OpenAiResponseStream(HttpContext http, FakeOpenAi fake, OpenAiResponse response)
{
    // An abort discards bytes that the socket has not sent yet. This delay is about the network, so it uses the system clock.
    private static readonly TimeSpan AbortDelay = TimeSpan.FromMilliseconds(30);

    /// <summary>Sends the events from a number on, until the response has ended.</summary>
    /// <param name="number">The number of the first event.</param>
    /// <param name="disconnectAfter">After how many pieces of the answer the connection breaks; null: it does not.</param>
    public async Task SendAsync(int number, int? disconnectAfter)
    {
        var events = new OpenAiEvents(http, response.Format);
        using var open = fake.AddStream(http);
        var deltas = 0;
        for (; await response.GetEventAsync(number, http.RequestAborted) is { } happened; number++)
        {
            if (disconnectAfter is { } limit && (happened.IsDelta ? deltas == limit : happened.IsBehindText))
            {
                await AbortAsync(http);
                return;
            }
            if (happened.IsDelta) deltas++;
            await events.SendAsync(happened.Json, happened.Type);
        }
        if (!http.Response.HasStarted) http.Response.ContentType = "text/event-stream; charset=utf-8";
    }

    /// <summary>Breaks the connection when what was sent has left.</summary>
    public static async Task AbortAsync(HttpContext http)
    {
        await Task.Delay(AbortDelay, TimeProvider.System, CancellationToken.None);
        http.Abort();
    }
}
