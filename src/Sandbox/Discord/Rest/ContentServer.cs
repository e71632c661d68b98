namespace CozeCluster.Sandbox.Discord;

/// <summary>Serves attachments, as long as their address holds.</summary>
internal static class ContentServer
{
    public static void MapContent(this IEndpointRouteBuilder routes, FakeDiscord discord)
    {
        routes.MapMethods("/cdn/attachments/{channel}/{attachment}/{filename}", ["GET", "HEAD"], async http =>
        {
            DiscordAttachment? file = null;
            if (ulong.TryParse(http.GetRouteValue("attachment")?.ToString(), out var id)
                && discord.Links.Holds(id, http.Request.Query["ex"], http.Request.Query["hm"]))
            {
                lock (discord.World.Gate) file = discord.World.Attachments.GetValueOrDefault(id);
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
        });
    }
}
