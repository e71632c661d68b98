using System.Text.Json;
using static CozeCluster.Sandbox.Claude.ClaudeValidator;

namespace CozeCluster.Sandbox.Claude;

/// <summary>Checks the sources of images and documents. It fetches no addresses.</summary>
internal static class ClaudeMediaChecks
{
    private const int MaxImage = 5 * 1024 * 1024;

    public static void CheckImage(JsonElement source, string path)
    {
        if (Kind(source, path) is not "base64")
        {
            CheckUrl(source, path);
            return;
        }
        CheckFields(source, $"{path}.base64.", "type", "media_type", "data");
        var type = Text(source, "media_type", $"{path}.base64.media_type");
        Require(
            type is "image/jpeg" or "image/png" or "image/gif" or "image/webp",
            $"{path}.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'");
        var bytes = ReadBase64(source, path);
        Require(bytes.Length <= MaxImage, $"{path}.base64: image exceeds 5 MB maximum: {bytes.Length} bytes > {MaxImage} bytes");
        var actual = Detect(bytes);
        Require(actual is not null, $"{path}.base64.data: Could not process image");
        Require(actual == type, $"{path}.base64.data: Image does not match the provided media type {type}");
    }

    public static void CheckDocument(JsonElement source, string path)
    {
        switch (Kind(source, path))
        {
            case "base64":
                CheckFields(source, $"{path}.base64.", "type", "media_type", "data");
                Require(
                    Text(source, "media_type", $"{path}.base64.media_type") == "application/pdf",
                    $"{path}.base64.media_type: Input should be 'application/pdf'");
                Require(ReadBase64(source, path).AsSpan().StartsWith("%PDF-"u8), $"{path}.base64.data: The PDF specified was not valid.");
                break;
            case "text":
                CheckFields(source, $"{path}.text.", "type", "media_type", "data");
                Require(Text(source, "media_type", $"{path}.text.media_type") == "text/plain", $"{path}.text.media_type: Input should be 'text/plain'");
                Require(Text(source, "data", $"{path}.text.data").Length > 0, $"{path}.text.data: String should have at least 1 character");
                break;
            default:
                CheckUrl(source, path);
                break;
        }
    }

    private static void CheckUrl(JsonElement source, string path)
    {
        Require(Kind(source, path) == "url", $"{path}: Input tag '{Kind(source, path)}' found using 'type' does not match any of the expected tags");
        CheckFields(source, $"{path}.url.", "type", "url");
        Require(
            Uri.TryCreate(Text(source, "url", $"{path}.url.url"), UriKind.Absolute, out var address) && (address.Scheme == "https" || address.IsLoopback),
            $"{path}.url.url: Only HTTPS URLs are supported.");
    }

    private static byte[] ReadBase64(JsonElement source, string path)
    {
        Text(source, "data", $"{path}.base64.data");
        return source.GetProperty("data").TryGetBytesFromBase64(out var bytes) && bytes.Length > 0
            ? bytes
            : throw ClaudeException.Invalid($"{path}.base64.data: invalid base64 data");
    }

    private static string? Detect(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G'])) return "image/png";
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF])) return "image/jpeg";
        if (bytes.StartsWith("GIF8"u8)) return "image/gif";
        return bytes.Length > 12 && bytes.StartsWith("RIFF"u8) && bytes[8..].StartsWith("WEBP"u8) ? "image/webp" : null;
    }
}
