namespace CozeCluster.Sandbox.Discord;

internal static class DiscordSandboxRoutes
{
    /// <summary>Maps every route of the fake Discord below <paramref name="routes"/>: REST, gateway, attachments, control.</summary>
    public static void MapDiscordSandbox(this IEndpointRouteBuilder routes, FakeDiscord discord)
    {
        var api = new RestPipeline(discord, routes);
        api.MapUsers(discord);
        api.MapGuilds();
        api.MapChannels();
        api.MapThreads();
        api.MapMessages();
        routes.Map("/api/{**rest}", api.NotFoundAsync);
        routes.MapContent(discord);
        routes.MapDiscordControl(discord);
        routes.MapGet("/gateway", discord.Gateway.ServeAsync);
        routes.MapGet("/gateway/resume", discord.Gateway.ServeAsync);
        routes.ServiceProvider.GetService<IHostApplicationLifetime>()?.ApplicationStopping.Register(discord.Stop);
    }
}
