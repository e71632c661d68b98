using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>
/// Creates signed addresses of attachments, and serves them until <c>ex</c> (hexadecimal Unix seconds) or until their channel is deleted. Pictures that a bot
/// shows from elsewhere have addresses outside of channels.
/// </summary>
internal sealed class AttachmentLinks(FakeDiscord discord)
{
    private static readonly byte[] Key = "a sandbox signs for nobody"u8.ToArray();

    public string CreateUrl(DiscordAttachment file)
    {
        var now = discord.Time.GetUtcNow();
        var expires = (now + discord.Options.AttachmentLifetime).ToUnixTimeSeconds();
        return $"{discord.PublicUrl}/cdn/{(file.IsExternal ? "external" : $"attachments/{file.ChannelId}")}/{file.Id}/{Uri.EscapeDataString(file.Filename)}"
            + $"?ex={expires:x}&is={now.ToUnixTimeSeconds():x}&hm={Sign(file.Id, expires)}";
    }

    /// <summary>The attachment in the JSON of a message.</summary>
    public JsonObject Write(DiscordAttachment file)
    {
        var url = CreateUrl(file);
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

    /// <summary>Whether an address with these values is signed and not expired.</summary>
    public bool IsValid(ulong id, string? expires, string? signature)
    {
        if (!long.TryParse(expires, NumberStyles.HexNumber, null, out var expiry)) return false;
        return signature == Sign(id, expiry) && discord.Time.GetUtcNow().ToUnixTimeSeconds() < expiry;
    }

    private static string Sign(ulong id, long expires) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Key, Encoding.ASCII.GetBytes($"{id}.{expires}")));
}

/// <summary>The route of attachments.</summary>
internal static class AttachmentRoutes
{
    public static void MapAttachments(this IEndpointRouteBuilder routes, FakeDiscord discord)
    {
        routes.MapMethods("/cdn/attachments/{channel}/{attachment}/{filename}", ["GET", "HEAD"], Serve);
        routes.MapMethods("/cdn/external/{attachment}/{filename}", ["GET", "HEAD"], Serve);

        async Task Serve(HttpContext http)
        {
            DiscordAttachment? file = null;
            if (ulong.TryParse(http.GetRouteValue("attachment")?.ToString(), out var id)
                && discord.Links.IsValid(id, http.Request.Query["ex"], http.Request.Query["hm"]))
            {
                lock (discord.State.Gate) file = discord.State.Attachments.GetValueOrDefault(id);
                // Discord deletes the files of a channel soon after the channel.
                if (file is { IsExternal: false } && !discord.State.Channels.ContainsKey(file.ChannelId)) file = null;
            }
            if (file is null)
            {
                http.Response.StatusCode = 404;
                await http.Response.WriteAsync("This content is no longer available.", http.RequestAborted);
                return;
            }
            http.Response.ContentType = file.ContentType;
            http.Response.ContentLength = file.Bytes.Length;
            if (!HttpMethods.IsHead(http.Request.Method)) await http.Response.Body.WriteAsync(file.Bytes, http.RequestAborted);
        }
    }
}
