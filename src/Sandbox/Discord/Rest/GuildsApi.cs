using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary><c>/guilds/{guild}</c>: the guild, its channels, members and threads.</summary>
internal static class GuildsApi
{
    public static void MapGuilds(this RestPipeline api)
    {
        api.Map("GET", "/guilds/{guild}", call => Read(call, guild => guild.ToJson()));
        api.Map("GET", "/guilds/{guild}/roles", call => Read(call, guild => new JsonArray(guild.Everyone.ToJson(0), guild.Managers.ToJson(1))));
        api.Map("GET", "/guilds/{guild}/channels", call => Read(call, guild => Channels(guild, c => !c.IsThread)));
        api.Map("GET", "/guilds/{guild}/threads/active", call => Read(call, guild => ActiveThreads(guild, call.User)));
        api.Map("GET", "/guilds/{guild}/members", call => Read(call, Members(call)));
        api.Map("GET", "/guilds/{guild}/members/{user}", call => Read(call, Member(call)));
        api.Map("POST", "/guilds/{guild}/channels", CreateChannel);
    }

    private static Task<RestReply> Read(RestCall call, Func<DiscordGuild, JsonNode> read)
    {
        var id = call.Id("guild");
        lock (call.World.Gate) return Task.FromResult<RestReply>(read(call.World.Guild(id, call.User)));
    }

    private static JsonArray Channels(DiscordGuild guild, Func<DiscordChannel, bool> fits) =>
        DiscordJson.Array(guild.Channels.Values.Where(fits).Select(channel => channel.ToJson()));

    private static JsonObject ActiveThreads(DiscordGuild guild, DiscordUser viewer)
    {
        var threads = guild.Channels.Values
            .Where(c => c is { IsThread: true, Archived: false } && Permissions.In(c, viewer).HasFlag(Permission.ViewChannel)).ToList();
        return new JsonObject
        {
            ["threads"] = DiscordJson.Array(threads.Select(thread => thread.ToJson(viewer))),
            ["members"] = DiscordJson.Array(threads.Where(t => t.ThreadMembers.Contains(viewer.Id)).Select(t => ChannelJson.MemberOf(t, viewer.Id))),
        };
    }

    private static Func<DiscordGuild, JsonNode> Members(RestCall call)
    {
        var limit = call.QueryInt("limit", 1, 1, 1000);
        var after = call.QueryId("after") ?? 0;
        return guild => DiscordJson.Array(
            guild.Members.Values.Where(m => m.User.Id > after).OrderBy(m => m.User.Id).Take(limit).Select(m => m.ToJson(guild)));
    }

    private static Func<DiscordGuild, JsonNode> Member(RestCall call)
    {
        var id = call.Id("user");
        return guild => (guild.Members.GetValueOrDefault(id) ?? throw DiscordError.UnknownMember()).ToJson(guild);
    }

    private static async Task<RestReply> CreateChannel(RestCall call)
    {
        var id = call.Id("guild");
        var body = await call.ReadJsonAsync();
        lock (call.World.Gate)
        {
            var guild = call.World.Guild(id, call.User);
            if (!Permissions.In(guild, call.User).HasFlag(Permission.ManageChannels)) throw DiscordError.MissingPermissions();
            var channel = call.Discord.Channels.Create(call.User, guild, ChannelRules.Draft(body, guild));
            return new(201, channel.ToJson());
        }
    }
}
