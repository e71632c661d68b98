using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>Addresses of attachments: signed, and good until <c>ex</c> (hexadecimal epoch seconds).</summary>
internal sealed class AttachmentLinks(FakeDiscord discord)
{
    private static readonly byte[] Key = "a sandbox signs for nobody"u8.ToArray();

    public string For(DiscordAttachment file)
    {
        var now = discord.Time.GetUtcNow();
        var expires = (now + discord.Options.AttachmentLifetime).ToUnixTimeSeconds();
        return $"{discord.PublicUrl}/cdn/attachments/{file.ChannelId}/{file.Id}/{Uri.EscapeDataString(file.Filename)}"
            + $"?ex={expires:x}&is={now.ToUnixTimeSeconds():x}&hm={Sign(file.Id, expires)}";
    }

    public JsonObject Write(DiscordAttachment file)
    {
        var url = For(file);
        var json = new JsonObject
        {
            ["id"] = file.Id.ToString(),
            ["filename"] = file.Filename,
            ["size"] = file.Bytes.Length,
            ["url"] = url,
            ["proxy_url"] = url,
            ["content_type"] = file.ContentType,
        };
        if (file.Description is not null) json["description"] = file.Description;
        if (file.Width is { } width) json["width"] = width;
        if (file.Height is { } height) json["height"] = height;
        return json;
    }

    /// <summary>Whether an address with these values was given out and still holds.</summary>
    public bool Holds(ulong id, string? expires, string? signature)
    {
        if (!long.TryParse(expires, System.Globalization.NumberStyles.HexNumber, null, out var until)) return false;
        return signature == Sign(id, until) && discord.Time.GetUtcNow().ToUnixTimeSeconds() < until;
    }

    private static string Sign(ulong id, long expires) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Key, Encoding.ASCII.GetBytes($"{id}.{expires}")));
}
