using System.Text.Json;

namespace CozeCluster.Sandbox.OpenAi;

/// <summary>The routes of the fake OpenAI.</summary>
internal static class OpenAiRoutes
{
    /// <summary>Maps every route of the fake OpenAI below <paramref name="routes"/>.</summary>
    public static void MapFakeOpenAi(this IEndpointRouteBuilder routes, FakeOpenAi fake)
    {
        routes.MapMethods("/v1/chat/completions", ["POST"], (RequestDelegate)(http => OpenAiCompletionApi.CompleteAsync(http, fake)));
        routes.MapMethods("/v1/responses", ["POST"], (RequestDelegate)(http => OpenAiResponseApi.CreateAsync(http, fake)));
        routes.MapMethods("/v1/responses/{id}", ["GET"], (RequestDelegate)(http => OpenAiResponseApi.RetrieveAsync(http, fake)));
        routes.MapMethods("/v1/responses/{id}", ["DELETE"], (RequestDelegate)(http => OpenAiResponseApi.DeleteAsync(http, fake)));
        routes.MapMethods("/v1/responses/{id}/cancel", ["POST"], (RequestDelegate)(http => OpenAiResponseApi.CancelAsync(http, fake)));
        routes.MapTasks(fake);
        routes.MapMethods("/v1/models", ["GET"], (RequestDelegate)OpenAiCompletionApi.ModelsAsync);
        routes.MapMethods("/sandbox/script", ["POST"], (RequestDelegate)(http => ScriptAsync(http, fake)));
        routes.MapMethods("/sandbox/completions", ["GET"], (RequestDelegate)(http => CompletionsAsync(http, fake)));
        MapControl("reset", fake.Reset);
        MapControl("break", fake.BreakStreams);
        MapControl("forget", fake.ForgetResponses);

        void MapControl(string name, Action act) => routes.MapMethods($"/sandbox/{name}", ["POST"], (RequestDelegate)(_ =>
        {
            act();
            return Task.CompletedTask;
        }));
    }

    private static async Task ScriptAsync(HttpContext http, FakeOpenAi fake)
    {
        try
        {
            using var body = await JsonDocument.ParseAsync(http.Request.Body, default, http.RequestAborted);
            int? times = body.RootElement.TryGetProperty("times", out var given) && given.ValueKind == JsonValueKind.Number ? given.GetInt32() : null;
            fake.Scripts.Add(body.RootElement.GetProperty("script").GetString()!, times);
        }
        catch (Exception error) when (error is DirectiveException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            await OpenAiError.Invalid("script", error.Message).WriteAsync(http);
        }
    }

    /// <summary>The recorded completions. With <c>prompt</c>, those whose prompt contains it.</summary>
    private static async Task CompletionsAsync(HttpContext http, FakeOpenAi fake)
    {
        var prompt = http.Request.Query["prompt"].ToString();
        http.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(http.Response.Body);
        json.WriteStartArray();
        foreach (var completion in fake.Completions.Where(completion => completion.Prompt.Contains(prompt, StringComparison.Ordinal)))
        {
            json.WriteStartObject();
            json.WriteString("id", completion.Id);
            json.WriteString("prompt", completion.Prompt);
            json.WriteString("reply", completion.Reply);
            json.WriteBoolean("client_gone", completion.ClientGone);
            json.WriteBoolean("cancelled", completion.IsCancelled);
            json.WriteBoolean("deleted", completion.IsDeleted);
            json.WriteNumber("deltas_sent", completion.DeltasSent);
            json.WritePropertyName("request");
            json.WriteRawValue(completion.Body);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        await json.FlushAsync(http.RequestAborted);
    }
}
