using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary><c>/channels/{channel}</c> itself, and typing in it.</summary>
internal static class ChannelsApi
{
    public static void MapChannels(this RestPipeline api)
    {
        api.Map("GET", "/channels/{channel}", Get);
        api.Map("PATCH", "/channels/{channel}", Change);
        api.Map("DELETE", "/channels/{channel}", Delete);
        api.Map("POST", "/channels/{channel}/typing", Type);
    }

    private static Task<RestReply> Get(RestCall call)
    {
        var id = call.Id("channel");
        lock (call.World.Gate) return Task.FromResult<RestReply>(call.World.Channel(id, call.User).ToJson(call.User));
    }

    private static async Task<RestReply> Change(RestCall call)
    {
        var id = call.Id("channel");
        var body = await call.ReadJsonAsync();
        lock (call.World.Gate)
        {
            var channel = call.World.Channel(id, call.User);
            if (body.ContainsKey("name") || body.ContainsKey("topic")) call.Take(Bucket.ChannelRename, $"{id}");
            if (channel.IsThread) ChangeThread(call, channel, body);
            else ChangePlace(call, channel, body);
            call.Discord.Channels.Changed(channel);
            return channel.ToJson(call.User);
        }
    }

    private static void ChangePlace(RestCall call, DiscordChannel channel, JsonObject body)
    {
        if (!Permissions.In(channel, call.User).HasFlag(Permission.ManageChannels)) throw DiscordError.MissingPermissions();
        var (name, topic, seconds) = (ChannelRules.Name(body), ChannelRules.Topic(body), ChannelRules.SlowMode(body));
        var parent = ChannelRules.Parent(body, channel.Guild, channel.Type);
        var overwrites = ChannelRules.Overwrites(body);
        var (nsfw, position) = (body.Flag("nsfw"), body.Number("position"));
        if (parent is not null && parent != channel.Parent) call.Discord.Channels.CheckRoom(channel.Guild, parent);

        if (name is not null) channel.Name = WorldChannels.NameOf(channel.Type, name);
        if (body.ContainsKey("topic")) channel.Topic = topic;
        if (body.ContainsKey("parent_id")) channel.Parent = parent;
        channel.RateLimitPerUser = seconds ?? channel.RateLimitPerUser;
        channel.Overwrites = overwrites ?? channel.Overwrites;
        channel.Nsfw = nsfw ?? channel.Nsfw;
        channel.Position = position ?? channel.Position;
    }

    private static void ChangeThread(RestCall call, DiscordChannel thread, JsonObject body)
    {
        var manages = Permissions.In(thread, call.User).HasFlag(Permission.ManageThreads);
        if (!manages && thread.OwnerId != call.User.Id) throw DiscordError.MissingPermissions();
        if (thread.Locked && !manages) throw DiscordError.ThreadLocked();
        var (archived, locked) = (body.Flag("archived"), body.Flag("locked"));
        if (thread.Archived && archived != false) throw DiscordError.Archived();
        var (name, seconds, minutes) = (ChannelRules.Name(body), ChannelRules.SlowMode(body), ChannelRules.AutoArchive(body));
        if (locked is not null && !manages) throw DiscordError.MissingPermissions();

        thread.Name = name ?? thread.Name;
        thread.RateLimitPerUser = seconds ?? thread.RateLimitPerUser;
        thread.AutoArchiveMinutes = minutes ?? thread.AutoArchiveMinutes;
        thread.Locked = locked ?? thread.Locked;
        if (archived is not { } now || now == thread.Archived) return;
        thread.Archived = now;
        thread.ArchiveChangedAt = call.Discord.Time.GetUtcNow();
    }

    private static Task<RestReply> Delete(RestCall call)
    {
        var id = call.Id("channel");
        lock (call.World.Gate)
        {
            var channel = call.World.Channel(id, call.User);
            var needed = channel.IsThread ? Permission.ManageThreads : Permission.ManageChannels;
            if (!Permissions.In(channel, call.User).HasFlag(needed)) throw DiscordError.MissingPermissions();
            call.Discord.Channels.Delete(call.User, channel);
            return Task.FromResult<RestReply>(channel.ToJson());
        }
    }

    private static Task<RestReply> Type(RestCall call)
    {
        var id = call.Id("channel");
        lock (call.World.Gate)
        {
            var channel = call.World.Channel(id, call.User);
            MessageRules.CheckMayPost(channel, call.User);
            call.Discord.Messages.Type(call.User, channel);
            return Task.FromResult(RestReply.NoContent);
        }
    }
}
