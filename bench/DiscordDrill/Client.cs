using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.DiscordDrill;

/// <summary>A streamed reply as a client received it.</summary>
internal sealed record Reply
{
    public string Text { get; init; } = "";

    /// <summary>When the first text arrived.</summary>
    public DateTimeOffset FirstTextAt { get; init; }

    /// <summary>When the end arrived.</summary>
    public DateTimeOffset EndAt { get; init; }

    /// <summary>Why the reply failed; null if it did not fail.</summary>
    public string? Error { get; init; }
}

/// <summary>Sends prompts to a node and reads the streamed replies.</summary>
internal sealed class Client(Uri node) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = node, Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Sends a prompt and reads the reply to its end.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompt">The prompt.</param>
    /// <param name="conversation">The name of the conversation; null for none.</param>
    /// <param name="onFirstText">Called when the first text arrives.</param>
    /// <param name="cancellationToken">Drops the connection.</param>
    public async Task<Reply> SendAsync(string model, string prompt, string? conversation, Action? onFirstText, CancellationToken cancellationToken)
    {
        var body = new JsonObject
        {
            ["model"] = model, ["stream"] = true, ["conversation_id"] = conversation,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = prompt }),
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", DrillFleet.Key);
        try
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (!response.IsSuccessStatusCode)
                return new Reply { Error = $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync(cancellationToken)}" };
            return await ReadAsync(await response.Content.ReadAsStreamAsync(cancellationToken), onFirstText, cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new Reply { Error = e.Message };
        }
    }

    public void Dispose() => _http.Dispose();

    private static async Task<Reply> ReadAsync(Stream stream, Action? onFirstText, CancellationToken cancellationToken)
    {
        using var lines = new StreamReader(stream);
        var text = new StringBuilder();
        var reply = new Reply { Error = "The stream was closed before the reply had ended." };
        while (await lines.ReadLineAsync(cancellationToken) is { } line)
        {
            if (!line.StartsWith("data: ", StringComparison.Ordinal)) continue;
            if (line == "data: [DONE]") return reply with { Text = text.ToString() };
            using var json = JsonDocument.Parse(line.AsMemory(6));
            var root = json.RootElement;
            if (root.TryGetProperty("error", out var error)) return reply with { Text = text.ToString(), Error = error.GetRawText() };
            if (root.TryGetProperty("cozecluster", out var extension) && extension.TryGetProperty("rewritten", out var rewritten))
                text.Length = rewritten.GetProperty("offset").GetInt32();
            var choices = root.GetProperty("choices");
            if (choices.GetArrayLength() == 0) continue;
            if (choices[0].GetProperty("delta").TryGetProperty("content", out var content) && content.GetString() is { Length: > 0 } delta)
            {
                if (text.Length == 0)
                {
                    reply = reply with { FirstTextAt = DateTimeOffset.UtcNow };
                    onFirstText?.Invoke();
                }
                text.Append(delta);
            }
            if (choices[0].GetProperty("finish_reason").GetString() == "stop") reply = reply with { EndAt = DateTimeOffset.UtcNow, Error = null };
        }
        return reply with { Text = text.ToString() };
    }
}
