using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary><c>/guilds/{guild}</c>: the guild, its channels, members and threads.</summary>
internal static class GuildsApi
{
    public static void MapGuilds(this RestPipeline api)
    {
        api.Map("GET", "/guilds/{guild}", context => Read(context, guild => guild.ToJson()));
        api.Map("GET", "/guilds/{guild}/roles", context => Read(context, guild => new JsonArray(guild.Everyone.ToJson(0), guild.Managers.ToJson(1))));
        api.Map("GET", "/guilds/{guild}/channels", context => Read(context, guild => ListChannels(guild)));
        api.Map("GET", "/guilds/{guild}/threads/active", context => Read(context, guild => ListActiveThreads(guild, context.User)));
        api.Map("GET", "/guilds/{guild}/members", context => Read(context, ListMembers(context)));
        api.Map("GET", "/guilds/{guild}/members/{user}", context => Read(context, GetMember(context)));
        api.Map("POST", "/guilds/{guild}/channels", CreateChannel);
    }

    private static Task<RestResponse> Read(RestContext context, Func<DiscordGuild, JsonNode> read)
    {
        var id = context.Id("guild");
        lock (context.State.Gate) return Task.FromResult<RestResponse>(read(context.State.GetGuild(id, context.User)));
    }

    private static JsonArray ListChannels(DiscordGuild guild) =>
        DiscordJson.Array(guild.Channels.Values.Where(channel => !channel.IsThread).Select(channel => channel.ToJson()));

    private static JsonObject ListActiveThreads(DiscordGuild guild, DiscordUser viewer)
    {
        var threads = guild.Channels.Values
            .Where(c => c is { IsThread: true, Archived: false } && Permissions.In(c, viewer).HasFlag(Permission.ViewChannel)).ToList();
        return new JsonObject
        {
            ["threads"] = DiscordJson.Array(threads.Select(thread => thread.ToJson(viewer))),
            ["members"] = DiscordJson.Array(threads.Where(t => t.ThreadMembers.Contains(viewer.Id)).Select(t => ChannelJson.ThreadMember(t, viewer.Id))),
        };
    }

    private static Func<DiscordGuild, JsonNode> ListMembers(RestContext context)
    {
        var limit = context.IntQuery("limit", 1, 1, 1000);
        var after = context.IdQuery("after") ?? 0;
        return guild => DiscordJson.Array(
            guild.Members.Values.Where(m => m.User.Id > after).OrderBy(m => m.User.Id).Take(limit).Select(m => m.ToJson(guild)));
    }

    private static Func<DiscordGuild, JsonNode> GetMember(RestContext context)
    {
        var id = context.Id("user");
        return guild => (guild.Members.GetValueOrDefault(id) ?? throw RestException.UnknownMember()).ToJson(guild);
    }

    private static async Task<RestResponse> CreateChannel(RestContext context)
    {
        var id = context.Id("guild");
        var body = await context.ReadJsonAsync();
        lock (context.State.Gate)
        {
            var guild = context.State.GetGuild(id, context.User);
            if (!Permissions.In(guild, context.User).HasFlag(Permission.ManageChannels)) throw RestException.MissingPermissions();
            var channel = context.Discord.Channels.Create(context.User, guild, ChannelValidator.CreateDraft(body, guild));
            return new(201, channel.ToJson());
        }
    }
}
