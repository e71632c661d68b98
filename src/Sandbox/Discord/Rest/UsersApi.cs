using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary><c>/users</c>, <c>/applications/@me</c> and <c>/gateway</c>.</summary>
internal static class UsersApi
{
    public static void MapUsers(this RestPipeline api, FakeDiscord discord)
    {
        api.Map("GET", "/users/@me", GetMe);
        api.Map("GET", "/users/@me/guilds", GetMyGuilds);
        api.Map("GET", "/users/{user}", Get);
        api.Map("GET", "/applications/@me", GetApplication);
        api.Map("GET", "/oauth2/applications/@me", GetApplication);
        api.MapPublicGet("/gateway", () => new JsonObject { ["url"] = discord.GatewayUrl });
        api.Map("GET", "/gateway/bot", GetBotGateway);
    }

    private static Task<RestResponse> GetMe(RestContext context) => Respond(context.User.ToOwnJson());

    private static Task<RestResponse> GetMyGuilds(RestContext context)
    {
        var limit = context.IntQuery("limit", 200, 1, 200);
        var after = context.IdQuery("after") ?? 0;
        lock (context.State.Gate)
        {
            var guilds = context.State.Guilds.Values
                .Where(guild => guild.Id > after && guild.Members.ContainsKey(context.User.Id)).OrderBy(guild => guild.Id).Take(limit);
            return Respond(DiscordJson.Array(guilds.Select(guild => new JsonObject
            {
                ["id"] = guild.Id.ToString(),
                ["name"] = guild.Name,
                ["icon"] = null,
                ["owner"] = guild.OwnerId == context.User.Id,
                ["permissions"] = ((ulong)Permissions.In(guild, context.User)).ToString(),
                ["features"] = new JsonArray(),
            })));
        }
    }

    private static Task<RestResponse> Get(RestContext context)
    {
        var id = context.Id("user");
        lock (context.State.Gate)
            return Respond((context.State.Users.GetValueOrDefault(id) ?? throw RestException.UnknownUser()).ToJson());
    }

    private static Task<RestResponse> GetApplication(RestContext context) =>
        context.User.IsBot ? Respond(context.User.ToApplicationJson()) : throw RestException.Unauthorized();

    private static Task<RestResponse> GetBotGateway(RestContext context)
    {
        if (!context.User.IsBot) throw RestException.Unauthorized();
        lock (context.State.Gate)
        {
            var (remaining, resetAfter) = context.Discord.Gateway.Limits.GetRemaining(context.User);
            return Respond(new JsonObject
            {
                ["url"] = context.Discord.GatewayUrl,
                ["shards"] = context.Discord.Options.RequiredShards,
                ["session_start_limit"] = new JsonObject
                {
                    ["total"] = context.Discord.Options.SessionStartsPerDay,
                    ["remaining"] = remaining,
                    ["reset_after"] = (long)resetAfter.TotalMilliseconds,
                    ["max_concurrency"] = context.Discord.Options.MaxConcurrency,
                },
            });
        }
    }

    private static Task<RestResponse> Respond(JsonNode body) => Task.FromResult<RestResponse>(body);
}
