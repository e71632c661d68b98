using System.Buffers;
using System.Buffers.Text;
using System.Text;
using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.StaticFiles;

namespace CozeCluster.Gateway.Surfaces.Chat;

/// <summary>Reads bytes that are embedded in text: <c>data:image/png;base64,…</c>, or plain base64.</summary>
internal static class DataUri
{
    private const string Base64Marker = ";base64,";
    private const string UnknownType = "application/octet-stream";
    private const int MaxTypeLength = 127;
    private static readonly FileExtensionContentTypeProvider Types = new();

    public static bool IsDataUri(ReadOnlySpan<byte> utf8) => utf8.Length >= 5 && Ascii.EqualsIgnoreCase(utf8[..5], "data:"u8);

    /// <summary>Reads a data URI of a request.</summary>
    /// <param name="utf8">The URI.</param>
    /// <param name="name">The file name without extension. The extension is derived from the media type.</param>
    /// <param name="path">The path of the URI in the request.</param>
    public static Media Read(ReadOnlySpan<byte> utf8, string name, JsonFieldPath path)
    {
        var comma = utf8.IndexOf((byte)',');
        var head = comma < 0 ? default : utf8[5..comma];
        var encoding = head.LastIndexOf((byte)';');
        if (encoding < 0 || !Ascii.EqualsIgnoreCase(head[(encoding + 1)..], "base64"u8))
            throw path.Invalid($"Invalid '{path}': expected a data URI of the form data:TYPE;base64,DATA.");
        var end = head.IndexOf((byte)';');
        var type = TypeOf(head[..end]) ?? throw path.Invalid($"Invalid '{path}': the media type of the data URI is not valid.");
        var content = DecodeBase64(utf8[(comma + 1)..], path);
        var (actual, extension) = MediaTypes.Detect(content.Span) ?? (type, ExtensionOf(type));
        return new Media($"{name}.{extension}", actual, content);
    }

    /// <summary>Reads base64 of a request. The media type is that of the content, or else that of the file name.</summary>
    public static Media ReadBase64(ReadOnlySpan<byte> utf8, string? name, JsonFieldPath path)
    {
        var content = DecodeBase64(utf8, path);
        var named = name is not null && Types.TryGetContentType(name, out var type) ? type : UnknownType;
        return MediaTypes.Detect(content.Span) is var (actual, extension)
            ? new Media(name ?? $"file.{extension}", actual, content)
            : new Media(name ?? "file.bin", named, content);
    }

    /// <summary>Decodes base64 of a request.</summary>
    public static ReadOnlyMemory<byte> DecodeBase64(ReadOnlySpan<byte> utf8, JsonFieldPath path)
    {
        var bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(utf8.Length)];
        if (Base64.DecodeFromUtf8(utf8, bytes, out _, out var written) != OperationStatus.Done)
            throw path.Invalid($"Invalid '{path}': it is not valid base64.");
        if (written == 0) throw path.Invalid($"Invalid '{path}': it is empty.");
        return bytes.AsMemory(0, written);
    }

    /// <summary>Decodes a data URI that a bot sent.</summary>
    /// <returns>The bytes; null if the text is not a data URI with valid base64, or has no content.</returns>
    public static ReadOnlyMemory<byte>? TryDecode(string url)
    {
        if (!url.StartsWith("data:", StringComparison.Ordinal) || url.IndexOf(Base64Marker, StringComparison.Ordinal) is not (> 0 and var marker)) return null;
        var base64 = Encoding.UTF8.GetBytes(url[(marker + Base64Marker.Length)..]);
        if (Base64.DecodeFromUtf8InPlace(base64, out var length) != OperationStatus.Done || length == 0) return null;
        return base64.AsMemory(0, length);
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
