using System.Buffers;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;

namespace CozeCluster.Silo.Repl;

/// <summary>Sends conversations to the chat completions of a node.</summary>
internal sealed class ReplClient
{
    private readonly HttpClient _http;

    public ReplClient(HttpClient http, ReplOptions options)
    {
        (_http, Url) = (http, options.Url);
        http.BaseAddress = options.Url;
        http.Timeout = Timeout.InfiniteTimeSpan;
        if (options.Key.Length > 0) http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", $"Bearer {options.Key}");
    }

    /// <summary>The address of the node.</summary>
    public Uri Url { get; }

    /// <summary>The first model of the key.</summary>
    /// <exception cref="ReplException">There is none, or the node refused the request or could not be reached.</exception>
    public async Task<string> FindModel()
    {
        try
        {
            using var response = await _http.GetAsync("v1/models").ConfigureAwait(false);
            var models = (await Read(response).ConfigureAwait(false)).GetProperty("data");
            return models.GetArrayLength() > 0 ? models[0].GetProperty("id").GetString()! : throw new ReplException("The key may use no model.");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw Unreachable(exception);
        }
    }

    /// <summary>Sends a conversation.</summary>
    /// <param name="model">The model.</param>
    /// <param name="messages">The messages. The last one is the prompt.</param>
    /// <param name="show">Called with each piece of the reply.</param>
    /// <param name="cancellationToken">Cancels the reply, also at the node.</param>
    /// <returns>The text of the whole reply.</returns>
    /// <exception cref="ReplException">The node refused the request, could not be reached, or cut the reply.</exception>
    public async Task<string> Send(string model, IReadOnlyList<ReplMessage> messages, Action<string> show, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "v1/chat/completions") { Content = new ReadOnlyMemoryContent(Write(model, messages)) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            if (response.Content.Headers.ContentType?.MediaType != "text/event-stream") await Read(response).ConfigureAwait(false);
            return await ReadReply(response, show, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException && !cancellationToken.IsCancellationRequested)
        {
            throw Unreachable(exception);
        }
    }

    private static async Task<string> ReadReply(HttpResponseMessage response, Action<string> show, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        var (part, partStart) = (-1, 0);
        var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = stream.ConfigureAwait(false);
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(cancellationToken).ConfigureAwait(false))
        {
            if (item.Data == "[DONE]") return text.ToString();
            using var chunk = JsonDocument.Parse(item.Data);
            ThrowError(chunk.RootElement);
            var current = PartOf(item.EventId);
            if (current >= 0 && current != part) (part, partStart) = (current, text.Length);
            if (FindContent(chunk.RootElement) is { Length: > 0 } content)
            {
                text.Append(content);
                show(content);
            }
            // The node has sent a blank line, and the new text follows it. Only the new text stays in the conversation.
            else if (FindRewritten(chunk.RootElement) is { } offset) text.Length = Math.Min(text.Length, partStart + offset);
        }
        throw new ReplException("The node ended the reply before it was complete.");
    }

    private static ReadOnlyMemory<byte> Write(string model, IReadOnlyList<ReplMessage> messages)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(bytes);
        json.WriteStartObject();
        json.WriteString("model", model);
        json.WriteBoolean("stream", true);
        json.WriteStartArray("messages");
        foreach (var message in messages)
        {
            json.WriteStartObject();
            json.WriteString("role", message.Role);
            json.WriteString("content", message.Content);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        return bytes.WrittenMemory;
    }

    private static async Task<JsonElement> Read(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync().ConfigureAwait(false);
        try
        {
            using var document = JsonDocument.Parse(text);
            ThrowError(document.RootElement);
            if (response.IsSuccessStatusCode) return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            // Reported below.
        }
        throw new ReplException($"The server answered with status {(int)response.StatusCode}, and not as a node does. Check --url.");
    }

    private static void ThrowError(JsonElement answer)
    {
        if (answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.Object)
            throw new ReplException(error.TryGetProperty("message", out var message) ? $"{message}" : "The node reports an error.");
    }

    private static string? FindContent(JsonElement chunk) =>
        chunk.TryGetProperty("choices", out var choices) && choices.GetArrayLength() > 0 && choices[0].TryGetProperty("delta", out var delta)
        && delta.TryGetProperty("content", out var content)
            ? content.GetString()
            : null;

    private static int? FindRewritten(JsonElement chunk) =>
        chunk.TryGetProperty("cozecluster", out var extension) && extension.TryGetProperty("rewritten", out var rewritten)
            ? rewritten.GetProperty("offset").GetInt32()
            : null;

    // An event's id is a cursor: PART.OFFSET.
    private static int PartOf(string? eventId) =>
        eventId?.IndexOf('.', StringComparison.Ordinal) is > 0 and var dot
        && int.TryParse(eventId.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var part)
            ? part
            : -1;

    private static ReplException Unreachable(Exception exception) =>
        new($"The node could not be reached, or the connection broke: {exception.Message}", exception);
}
