using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.DiscordDrill;

/// <summary>A streamed reply as a client got it.</summary>
internal sealed record Reply
{
    public string Text { get; init; } = "";

    /// <summary>The channel it came from; null if it did not come to its end.</summary>
    public string? ChannelId { get; init; }

    /// <summary>When its first text came.</summary>
    public DateTimeOffset FirstAt { get; init; }

    /// <summary>When its end came.</summary>
    public DateTimeOffset EndAt { get; init; }

    /// <summary>What went wrong; null: nothing.</summary>
    public string? Error { get; init; }
}

/// <summary>Asks a node, streamed.</summary>
internal sealed class Client(Uri node) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = node, Timeout = Timeout.InfiniteTimeSpan };

    /// <param name="model">The model.</param>
    /// <param name="prompt">The prompt.</param>
    /// <param name="conversation">A name; null: none.</param>
    /// <param name="begun">Told with the first text.</param>
    /// <param name="cancellationToken">Hangs up.</param>
    public async Task<Reply> AskAsync(string model, string prompt, string? conversation, Action? begun, CancellationToken cancellationToken)
    {
        var body = new JsonObject
        {
            ["model"] = model, ["stream"] = true, ["conversation_id"] = conversation,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = prompt }),
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", DrillFleet.Key);
        try
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (response.IsSuccessStatusCode) return await ReadAsync(await response.Content.ReadAsStreamAsync(cancellationToken), begun, cancellationToken);
            return new Reply { Error = $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync(cancellationToken)}" };
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new Reply { Error = e.Message };
        }
    }

    public void Dispose() => _http.Dispose();

    private static async Task<Reply> ReadAsync(Stream stream, Action? begun, CancellationToken cancellationToken)
    {
        using var lines = new StreamReader(stream);
        var text = new StringBuilder();
        var reply = new Reply { Error = "the stream ended without an end" };
        while (await lines.ReadLineAsync(cancellationToken) is { } line)
        {
            if (!line.StartsWith("data: ", StringComparison.Ordinal)) continue;
            if (line == "data: [DONE]") return reply with { Text = text.ToString() };
            using var json = JsonDocument.Parse(line.AsMemory(6));
            var root = json.RootElement;
            if (root.TryGetProperty("error", out var error)) return reply with { Text = text.ToString(), Error = error.GetRawText() };
            var extension = root.TryGetProperty("cozecluster", out var more) ? more : default;
            if (extension.ValueKind == JsonValueKind.Object && extension.TryGetProperty("rewritten", out var rewritten)) text.Length = rewritten.GetProperty("offset").GetInt32();
            var choices = root.GetProperty("choices");
            if (choices.GetArrayLength() == 0) continue;
            if (choices[0].GetProperty("delta").TryGetProperty("content", out var content) && content.GetString() is { Length: > 0 } piece)
            {
                if (text.Length == 0)
                {
                    reply = reply with { FirstAt = DateTimeOffset.UtcNow };
                    begun?.Invoke();
                }
                text.Append(piece);
            }
            if (choices[0].GetProperty("finish_reason").GetString() != "stop") continue;
            reply = reply with { EndAt = DateTimeOffset.UtcNow, Error = null, ChannelId = extension.GetProperty("origin").GetProperty("ids").GetProperty("channel_id").GetString() };
        }
        return reply with { Text = text.ToString() };
    }
}
