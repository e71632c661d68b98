using System.Text.Json;

namespace CozeCluster.Gateway.Tests.Fakes;

/// <summary>A server-sent event that was received.</summary>
public sealed record SseEvent(string Id, string Data)
{
    public JsonElement Json { get; } = Data.StartsWith('{') ? JsonDocument.Parse(Data).RootElement : default;

    public JsonElement Delta => Json.GetProperty("choices")[0].GetProperty("delta");

    public JsonElement Extension => Json.GetProperty("cozecluster");

    /// <summary>The text that this event adds; empty if it adds none.</summary>
    public string Text => Json.ValueKind == JsonValueKind.Object && Json.TryGetProperty("choices", out var choices) && choices.GetArrayLength() > 0
        && choices[0].GetProperty("delta").TryGetProperty("content", out var content) ? content.GetString()! : "";
}

/// <summary>Reads the server-sent events of a response while it is received.</summary>
public sealed class SseReader(HttpResponseMessage response) : IAsyncDisposable
{
    private StreamReader? _reader;

    /// <summary>Whether the response ended abnormally. Only a response that was complete ends otherwise.</summary>
    public bool IsCut { get; private set; }

    /// <summary>Reads all events until the response ends, in any way.</summary>
    public static async Task<List<SseEvent>> ReadAll(HttpResponseMessage response)
    {
        await using var reader = new SseReader(response);
        var events = new List<SseEvent>();
        while (await reader.Next() is { } next) events.Add(next);
        return events;
    }

    /// <summary>Reads the next event. Comments are skipped.</summary>
    /// <returns>Null at the end.</returns>
    public async Task<SseEvent?> Next()
    {
        var (id, data) = ("", "");
        while (await ReadLine() is { } line)
        {
            if (line.StartsWith("id: ", StringComparison.Ordinal)) id = line[4..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal)) data = line[6..];
            else if (line.Length == 0 && data.Length > 0) return new SseEvent(id, data);
            else if (line.Length > 0 && line[0] != ':') throw new InvalidDataException($"Unexpected line: {line}");
        }
        return null;
    }

    /// <summary>Reads until the next comment.</summary>
    public async Task<string> NextComment()
    {
        while (await ReadLine() is { } line)
        {
            if (line.StartsWith(':')) return line;
        }
        throw new InvalidDataException("The stream ended.");
    }

    public ValueTask DisposeAsync()
    {
        _reader?.Dispose();
        return default;
    }

    private async Task<string?> ReadLine()
    {
        _reader ??= new StreamReader(await response.Content.ReadAsStreamAsync());
        try
        {
            return await _reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
        }
        catch (Exception e) when (e is HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded or HttpRequestError.HttpProtocolError })
        {
            IsCut = true;
            return null;
        }
    }
}
