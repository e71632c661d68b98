namespace CozeCluster;

/// <summary>Recognises media by their first bytes. Clients, bots and servers often name another type, and upstreams refuse a file with a wrong one.</summary>
public static class MediaTypes
{
    private const int BoxHeader = 12;

    private static ReadOnlySpan<byte> Png => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    private static ReadOnlySpan<byte> Jpeg => [0xFF, 0xD8, 0xFF];

    /// <summary>The media type and the usual extension of a file; null if its first bytes show no known kind of image, audio or document.</summary>
    /// <param name="content">The content, or its beginning.</param>
    public static (string Type, string Extension)? Detect(ReadOnlySpan<byte> content)
    {
        if (content.StartsWith(Png)) return ("image/png", "png");
        if (content.StartsWith(Jpeg)) return ("image/jpeg", "jpg");
        if (content.StartsWith("GIF87a"u8) || content.StartsWith("GIF89a"u8)) return ("image/gif", "gif");
        if (content.StartsWith("%PDF-"u8)) return ("application/pdf", "pdf");
        if (content.StartsWith("OggS"u8)) return ("audio/ogg", "ogg");
        if (content.StartsWith("fLaC"u8)) return ("audio/flac", "flac");
        if (content.StartsWith("ID3"u8)) return ("audio/mpeg", "mp3");
        if (content.Length < BoxHeader) return null;
        if (content.StartsWith("RIFF"u8))
        {
            if (content[8..].StartsWith("WEBP"u8)) return ("image/webp", "webp");
            return content[8..].StartsWith("WAVE"u8) ? ("audio/wav", "wav") : null;
        }
        if (!content[4..].StartsWith("ftyp"u8)) return null;
        var brand = content.Slice(8, 4);
        if (brand.SequenceEqual("avif"u8) || brand.SequenceEqual("avis"u8)) return ("image/avif", "avif");
        return brand.StartsWith("hei"u8) || brand.SequenceEqual("mif1"u8) ? ("image/heic", "heic") : null;
    }
}
