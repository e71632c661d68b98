using System.Buffers;
using System.Text;
using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.StaticFiles;

namespace CozeCluster.Gateway.Chat;

/// <summary>Bytes inside a request: <c>data:image/png;base64,…</c>, or base64 alone.</summary>
internal static class DataUri
{
    private const string Unknown = "application/octet-stream";
    private const int MaxTypeLength = 127;
    private static readonly FileExtensionContentTypeProvider Types = new();

    public static bool Is(ReadOnlySpan<byte> utf8) => utf8.Length >= 5 && Ascii.EqualsIgnoreCase(utf8[..5], "data:"u8);

    /// <param name="utf8">The URI.</param>
    /// <param name="name">What to call it; the type's usual extension is appended.</param>
    /// <param name="at">Where it stands.</param>
    public static Media Read(ReadOnlySpan<byte> utf8, string name, JsonPlace at)
    {
        var comma = utf8.IndexOf((byte)',');
        var head = comma < 0 ? default : utf8[5..comma];
        var encoding = head.LastIndexOf((byte)';');
        if (encoding < 0 || !Ascii.EqualsIgnoreCase(head[(encoding + 1)..], "base64"u8))
            throw at.Wrong($"Invalid '{at}': expected a data URI of the form data:TYPE;base64,DATA.");
        var end = head.IndexOf((byte)';');
        var type = TypeOf(head[..end]) ?? throw at.Wrong($"Invalid '{at}': the data URI's media type is not one.");
        return new Media($"{name}.{ExtensionOf(type)}", type, Base64(utf8[(comma + 1)..], at));
    }

    /// <summary>Base64 without a type: the file's name tells it.</summary>
    public static Media Bare(ReadOnlySpan<byte> utf8, string? name, JsonPlace at) =>
        new(name ?? "file.bin", name is not null && Types.TryGetContentType(name, out var type) ? type : Unknown, Base64(utf8, at));

    public static ReadOnlyMemory<byte> Base64(ReadOnlySpan<byte> utf8, JsonPlace at)
    {
        var bytes = new byte[System.Buffers.Text.Base64.GetMaxDecodedFromUtf8Length(utf8.Length)];
        if (System.Buffers.Text.Base64.DecodeFromUtf8(utf8, bytes, out _, out var written) != OperationStatus.Done)
            throw at.Wrong($"Invalid '{at}': it is not valid base64.");
        if (written == 0) throw at.Wrong($"Invalid '{at}': it is empty.");
        return bytes.AsMemory(0, written);
    }

    private static string? TypeOf(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty) return "text/plain";
        if (utf8.Length > MaxTypeLength || utf8.Count((byte)'/') != 1 || utf8.ContainsAnyExceptInRange((byte)'!', (byte)'~')) return null;
        return Encoding.ASCII.GetString(utf8).ToLowerInvariant();
    }

    private static string ExtensionOf(string type) => type switch
    {
        "image/jpeg" => "jpg",
        "image/svg+xml" => "svg",
        "text/plain" => "txt",
        _ when type[(type.IndexOf('/') + 1)..] is { Length: > 0 and <= 8 } subtype && subtype.All(char.IsAsciiLetterOrDigit) => subtype,
        _ => "bin",
    };
}
