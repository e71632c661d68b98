using System.Text;

namespace CozeCluster.Security.Tests.Floods;

/// <summary>A body that is meant to cost the node much, or to be read in two ways.</summary>
/// <param name="Statuses">The statuses that an answer may have.</param>
/// <param name="Param">The field that the error names; null: none, or any.</param>
/// <param name="Write">Writes the body.</param>
/// <param name="Encoding">The <c>Content-Encoding</c>; null without one.</param>
internal sealed record HostileBody(int[] Statuses, string? Param, Action<Stream> Write, string? Encoding = null);

/// <summary>Bodies of chat completion requests by name.</summary>
internal static class HostileBodies
{
    private const string Start = """{"model":"bot","messages":""";
    private const string Message = """{"role":"user","content":"x"}""";
    private const int MaxBody = 32 << 20;

    public static IReadOnlyDictionary<string, HostileBody> All { get; } = new Dictionary<string, HostileBody>(StringComparer.Ordinal)
    {
        ["a million small messages"] = new([400], null, body => Repeat(body, Start + "[" + Message, "," + Message, 1_000_000, "]}")),
        ["millions of numbers"] = new([400], null, body => Repeat(body, Start + $"[{Message}],\"metadata\":{{}},\"x\":[1", ",1", MaxBody / 2 - 100, "]}")),
        ["millions of numbers as messages"] = new([400], null, body => Repeat(body, Start + "[1", ",1", MaxBody / 2 - 100, "]}")),
        ["millions of parts"] = new([400], null, body => Repeat(body, Start + "[{\"role\":\"user\",\"content\":[{}", ",{}", MaxBody / 3 - 100, "]}]}")),
        ["millions of fields of one name"] = new([400], null, body => Repeat(body, "{\"n\":1", ",\"n\":1", MaxBody / 6 - 100, "}")),
        ["deep arrays"] = new([400], null, body => Repeat(body, Start, "[", 10 << 20, "")),
        ["deep objects"] = new([400], null, body => Repeat(body, Start, "{\"a\":", 2 << 20, "")),
        ["nesting beyond the limit"] = new(
            [400], null, body => Repeat(body, "{\"model\":\"bot\",\"x\":" + new string('[', 100), "", 0, new string(']', 100) + "}")),
        ["a field that is valid only the second time"] = new([400], "n", body => Text(body, Start + $"[{Message}],\"n\":9,\"n\":1}}")),
        ["a field that is valid only the first time"] = new([400], "n", body => Text(body, Start + $"[{Message}],\"n\":1,\"n\":9}}")),
        ["two models"] = new([404], null, body => Text(body, "{\"model\":\"bot\",\"messages\":[" + Message + "],\"model\":\"missing\"}")),
        ["invalid UTF-8 in a prompt"] = new([400], null, body => Bytes(body, Start + "[{\"role\":\"user\",\"content\":\"", [0xff, 0xfe, 0xc0, 0x80], "\"}]}")),
        ["invalid UTF-8 in a name"] = new([400], null, body => Bytes(body, "{\"", [0xc3, 0x28], $"\":1,\"messages\":[{Message}],\"model\":\"bot\"}}")),
        ["invalid UTF-8 in a conversation"] = new(
            [400], "conversation_id", body => Bytes(body, Start + $"[{Message}],\"conversation_id\":\"", [0xed, 0xa0, 0x80], "\"}")),
        ["half of a surrogate pair"] = new([400], null, body => Text(body, Start + "[{\"role\":\"user\",\"content\":\"\\ud800\"}]}")),
        ["half of a surrogate pair in a conversation"] = new(
            [400], "conversation_id", body => Text(body, Start + $"[{Message}],\"conversation_id\":\"\\udc00\"}}")),
        ["a zero in a conversation"] = new(
            [400], "conversation_id", body => Text(body, Start + $"[{Message}],\"conversation_id\":\"main\\u0000talk\"}}")),
        ["UTF-16"] = new([400], null, body => body.Write(Encoding.Unicode.GetBytes(Start + $"[{Message}]}}"))),
        ["a number of a million digits"] = new([400], "temperature", body => Repeat(body, Start + $"[{Message}],\"temperature\":1", "0", 1_000_000, "}")),
        ["a number beyond all types"] = new([400], "n", body => Text(body, Start + $"[{Message}],\"n\":1e999999999}}")),
        ["white space"] = new([400], null, body => Repeat(body, "", " ", MaxBody - 100, "")),
        ["two documents"] = new([400], null, body => Text(body, Start + $"[{Message}]}}" + Start + $"[{Message}]}}")),
        ["more than the limit"] = new([413], null, body => Repeat(body, Start + "[\"", "x", MaxBody, "\"]}")),
        ["a million characters of Base64 that is none"] = new(
            [400], null, body => Repeat(
                body, Start + "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":\"data:image/png;base64,", "*", 1_000_000, "\"}]}]}")),
        ["a bomb"] = new([415], null, WriteBomb, "gzip"),
        ["a bomb in a bomb"] = new([415], null, WriteBomb, "gzip, gzip"),
        ["an unknown compression"] = new([415], null, body => Text(body, Start + $"[{Message}]}}"), "zstd"),
    };

    private static void Repeat(Stream body, string start, string repeated, int count, string end)
    {
        Text(body, start);
        var (one, many) = (Encoding.UTF8.GetBytes(repeated), Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(repeated, 1_000))));
        for (var i = 0; i < count / 1_000; i++) body.Write(many);
        for (var i = 0; i < count % 1_000; i++) body.Write(one);
        Text(body, end);
    }

    private static void Bytes(Stream body, string start, byte[] middle, string end)
    {
        Text(body, start);
        body.Write(middle);
        Text(body, end);
    }

    private static void Text(Stream body, string text) => body.Write(Encoding.UTF8.GetBytes(text));

    private static void WriteBomb(Stream body)
    {
        using var zip = new System.IO.Compression.GZipStream(body, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true);
        Repeat(zip, Start, " ", 64 << 20, "");
    }
}
