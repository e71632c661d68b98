namespace CozeCluster.Sandbox.Discord;

/// <summary>The routes of the fake Discord.</summary>
internal static class DiscordRoutes
{
    /// <summary>Maps all routes below <paramref name="routes"/>: REST API, attachments, control endpoints and Discord's gateway.</summary>
    public static void MapFakeDiscord(this IEndpointRouteBuilder routes, FakeDiscord discord)
    {
        var api = new RestPipeline(discord, routes);
        api.MapUsers(discord);
        api.MapGuilds();
        api.MapChannels();
        api.MapThreads();
        api.MapMessages();
        routes.Map("/api/{**rest}", api.NotFoundAsync);
        routes.MapAttachments(discord);
        routes.MapDiscordControl(discord);
        routes.MapGet("/gateway", discord.Gateway.ServeAsync);
        routes.MapGet("/gateway/resume", discord.Gateway.ServeAsync);
        routes.ServiceProvider.GetService<IHostApplicationLifetime>()?.ApplicationStopping.Register(discord.Stop);
    }
}
