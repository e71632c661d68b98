using System.Text.Json;

namespace CozeCluster.Gateway.Tests.Fakes;

/// <summary>A received event.</summary>
public sealed record SseEvent(string Id, string Data)
{
    public JsonElement Json { get; } = Data.StartsWith('{') ? JsonDocument.Parse(Data).RootElement : default;

    public JsonElement Delta => Json.GetProperty("choices")[0].GetProperty("delta");

    public JsonElement Extension => Json.GetProperty("cozecluster");

    /// <summary>The text this event adds, if any.</summary>
    public string Text => Json.ValueKind == JsonValueKind.Object && Json.TryGetProperty("choices", out var choices) && choices.GetArrayLength() > 0
        && choices[0].GetProperty("delta").TryGetProperty("content", out var content) ? content.GetString()! : "";
}

public static class SseEvents
{
    /// <summary>All events until the response ends.</summary>
    public static async Task<List<SseEvent>> Read(HttpResponseMessage response)
    {
        await using var reader = new SseReader(response);
        var events = new List<SseEvent>();
        while (await reader.Next() is { } next) events.Add(next);
        return events;
    }
}

/// <summary>Reads events as they come.</summary>
public sealed class SseReader(HttpResponseMessage response) : IAsyncDisposable
{
    private StreamReader? _reader;

    /// <summary>The next event; null at the end. Comments are skipped.</summary>
    public async Task<SseEvent?> Next()
    {
        var (id, data) = ("", "");
        while (await Line() is { } line)
        {
            if (line.StartsWith("id: ", StringComparison.Ordinal)) id = line[4..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal)) data = line[6..];
            else if (line.Length == 0 && data.Length > 0) return new SseEvent(id, data);
            else if (line.Length > 0 && line[0] != ':') throw new InvalidDataException($"Unexpected line: {line}");
        }
        return null;
    }

    /// <summary>The next line that is a comment.</summary>
    public async Task<string> NextComment()
    {
        while (await Line() is { } line)
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

    private async Task<string?> Line()
    {
        _reader ??= new StreamReader(await response.Content.ReadAsStreamAsync());
        return await _reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
    }
}

public static class Until
{
    /// <summary>Waits for something that gives no signal of its own.</summary>
    public static async Task True(Func<bool> condition)
    {
        for (var i = 0; i < 6000; i++)
        {
            if (condition()) return;
            await Task.Delay(5);
        }
        Assert.Fail("It did not come true within 30 s.");
    }
}
