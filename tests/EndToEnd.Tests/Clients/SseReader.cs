using System.Text;
using System.Text.Json;

namespace CozeCluster.EndToEnd.Tests;

/// <summary>A record of an event stream as it came over the wire.</summary>
/// <param name="Id">Of its <c>id:</c> line.</param>
/// <param name="Data">Its <c>data:</c> lines.</param>
/// <param name="Comment">Without data: the comment it is.</param>
internal sealed record SseRecord(string? Id, string Data, string? Comment)
{
    /// <summary>Its data as JSON.</summary>
    public JsonElement Json { get; } = Data.StartsWith('{') ? JsonDocument.Parse(Data).RootElement : default;

    /// <summary>Its text, if it is a chunk with any.</summary>
    public string Text => Delta("content");

    /// <summary>Its reasoning, if it is a chunk with any.</summary>
    public string Reasoning => Delta("reasoning_content");

    /// <summary>The extension object, or an undefined element.</summary>
    public JsonElement Extension => Json.Get("cozecluster");

    private string Delta(string name) =>
        Json.Get("choices") is { ValueKind: JsonValueKind.Array } choices && choices.GetArrayLength() == 1
        && choices[0].Get("delta").Get(name) is { ValueKind: JsonValueKind.String } text ? text.GetString()! : "";
}

/// <summary>Reads an event stream record by record, comments too. Every line of a stream has to be one that this surface writes.</summary>
internal sealed class SseReader(Stream stream)
{
    private readonly StreamReader _lines = new(stream, new UTF8Encoding(false, throwOnInvalidBytes: true));

    /// <summary>The next record; null at the end.</summary>
    public async ValueTask<SseRecord?> NextAsync(CancellationToken cancellationToken)
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

/// <summary>Looks into JSON without caring whether it is there.</summary>
internal static class JsonLooks
{
    /// <summary>The member; an undefined element if there is none.</summary>
    public static JsonElement Get(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var member) ? member : default;

    /// <summary>The member's text; null if there is none.</summary>
    public static string? Text(this JsonElement json, string name) =>
        json.Get(name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    /// <summary>The texts of an array.</summary>
    public static IEnumerable<string?> Texts(this JsonElement json) => json.EnumerateArray().Select(item => item.GetString());
}
