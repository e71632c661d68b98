namespace CozeCluster.Upstreams.Fetching;

/// <summary>Recognises pictures whose server does not say what they are.</summary>
internal static class ImageType
{
    /// <summary>The media type, from the first bytes; null if they are no known picture's.</summary>
    public static string? Of(ReadOnlySpan<byte> content)
    {
        ReadOnlySpan<byte> png = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];
        ReadOnlySpan<byte> jpeg = [0xFF, 0xD8, 0xFF];
        if (content.StartsWith(png)) return "image/png";
        if (content.StartsWith(jpeg)) return "image/jpeg";
        if (content.StartsWith("GIF8"u8)) return "image/gif";
        return content.Length > 12 && content.StartsWith("RIFF"u8) && content[8..].StartsWith("WEBP"u8) ? "image/webp" : null;
    }
}
