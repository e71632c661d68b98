using System.Text;
using System.Text.Json;

namespace CozeCluster.EndToEnd.Tests;

/// <summary>A record of an event stream.</summary>
/// <param name="Id">The value of the <c>id:</c> line; null without one.</param>
/// <param name="Data">The values of the <c>data:</c> lines.</param>
/// <param name="Comment">The comment; null if the record has data.</param>
internal sealed record SseRecord(string? Id, string Data, string? Comment)
{
    /// <summary>The data as JSON, or an undefined element.</summary>
    public JsonElement Json { get; } = Data.StartsWith('{') ? JsonDocument.Parse(Data).RootElement : default;

    /// <summary>The text in the delta of a chunk, or an empty string.</summary>
    public string Text => Delta("content");

    /// <summary>The reasoning in the delta of a chunk, or an empty string.</summary>
    public string Reasoning => Delta("reasoning_content");

    /// <summary>The extension object, or an undefined element.</summary>
    public JsonElement Extension => Json.Get("cozecluster");

    /// <summary>The events of the bot in the extension object.</summary>
    public IEnumerable<JsonElement> Events => Extension.Get("events") is { ValueKind: JsonValueKind.Array } events ? events.EnumerateArray() : [];

    private string Delta(string name) =>
        Json.Get("choices") is { ValueKind: JsonValueKind.Array } choices && choices.GetArrayLength() == 1
        && choices[0].Get("delta").Get(name) is { ValueKind: JsonValueKind.String } text ? text.GetString()! : "";
}

/// <summary>Reads the records of an event stream, including comments. Fails on lines that CozeCluster does not write.</summary>
internal sealed class SseReader(Stream stream)
{
    private readonly StreamReader _lines = new(stream, new UTF8Encoding(false, throwOnInvalidBytes: true));

    /// <summary>Reads the next record.</summary>
    /// <returns>The record; null at the end.</returns>
    public async ValueTask<SseRecord?> ReadNextAsync(CancellationToken cancellationToken)
    {
        string? id = null;
        string? data = null;
        while (await _lines.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.Length == 0 && data is not null) return new SseRecord(id, data, null);
            if (line.StartsWith(':')) return new SseRecord(null, "", line[1..].Trim());
            if (line.StartsWith("id: ", StringComparison.Ordinal)) id = line[4..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal)) data += line[6..];
            else Assert.Equal("", line);
        }
        Assert.Null(data);
        return null;
    }
}

/// <summary>Reads members of JSON objects that may be missing.</summary>
internal static class JsonElementExtensions
{
    /// <summary>The member, or an undefined element.</summary>
    public static JsonElement Get(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var member) ? member : default;

    /// <summary>The string member; null if it is missing.</summary>
    public static string? Text(this JsonElement json, string name) =>
        json.Get(name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    /// <summary>The numbers of a usage object.</summary>
    public static (int Input, int Output, int Total) ReadUsage(this JsonElement usage) =>
        (usage.GetProperty("prompt_tokens").GetInt32(), usage.GetProperty("completion_tokens").GetInt32(), usage.GetProperty("total_tokens").GetInt32());

    /// <summary>The strings in an array.</summary>
    public static IEnumerable<string?> Texts(this JsonElement json) => json.EnumerateArray().Select(item => item.GetString());
}
