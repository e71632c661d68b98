using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary><c>/users</c>, <c>/applications/@me</c> and <c>/gateway</c>.</summary>
internal static class UsersApi
{
    public static void MapUsers(this RestPipeline api, FakeDiscord discord)
    {
        api.Map("GET", "/users/@me", Me);
        api.Map("GET", "/users/@me/guilds", MyGuilds);
        api.Map("GET", "/users/{user}", Get);
        api.Map("GET", "/applications/@me", Application);
        api.Map("GET", "/oauth2/applications/@me", Application);
        api.MapOpen("/gateway", () => new JsonObject { ["url"] = discord.GatewayUrl });
        api.Map("GET", "/gateway/bot", BotGateway);
    }

    private static Task<RestReply> Me(RestCall call) => Reply(call.User.ToOwnJson());

    private static Task<RestReply> MyGuilds(RestCall call)
    {
        lock (call.World.Gate)
        {
            var mine = call.World.Guilds.Values.Where(guild => guild.Members.ContainsKey(call.User.Id));
            return Reply(DiscordJson.Array(mine.Select(guild => new JsonObject
            {
                ["id"] = guild.Id.ToString(),
                ["name"] = guild.Name,
                ["icon"] = null,
                ["owner"] = guild.OwnerId == call.User.Id,
                ["permissions"] = ((ulong)Permissions.In(guild, call.User)).ToString(),
                ["features"] = new JsonArray(),
            })));
        }
    }

    private static Task<RestReply> Get(RestCall call)
    {
        var id = call.Id("user");
        lock (call.World.Gate)
            return Reply((call.World.Users.GetValueOrDefault(id) ?? throw DiscordError.UnknownUser()).ToJson());
    }

    private static Task<RestReply> Application(RestCall call) =>
        call.User.IsBot ? Reply(call.User.ToApplicationJson()) : throw DiscordError.Unauthorized();

    private static Task<RestReply> BotGateway(RestCall call)
    {
        if (!call.User.IsBot) throw DiscordError.Unauthorized();
        lock (call.World.Gate)
        {
            var (remaining, resetAfter) = call.Discord.Gateway.Limits.Left(call.User);
            return Reply(new JsonObject
            {
                ["url"] = call.Discord.GatewayUrl,
                ["shards"] = call.Discord.Options.RequiredShards,
                ["session_start_limit"] = new JsonObject
                {
                    ["total"] = call.Discord.Options.SessionStartsPerDay,
                    ["remaining"] = remaining,
                    ["reset_after"] = (long)resetAfter.TotalMilliseconds,
                    ["max_concurrency"] = call.Discord.Options.MaxConcurrency,
                },
            });
        }
    }

    private static Task<RestReply> Reply(JsonNode body) => Task.FromResult<RestReply>(body);
}
