using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary><c>/channels/{channel}</c>, and its typing indicator.</summary>
internal static class ChannelsApi
{
    public static void MapChannels(this RestPipeline api)
    {
        api.Map("GET", "/channels/{channel}", Get);
        api.Map("PATCH", "/channels/{channel}", Update);
        api.Map("DELETE", "/channels/{channel}", Delete);
        api.Map("POST", "/channels/{channel}/typing", SendTyping);
    }

    private static Task<RestResponse> Get(RestContext context)
    {
        var id = context.Id("channel");
        lock (context.State.Gate) return Task.FromResult<RestResponse>(context.State.GetChannel(id, context.User).ToJson(context.User));
    }

    private static async Task<RestResponse> Update(RestContext context)
    {
        var id = context.Id("channel");
        var body = await context.ReadJsonAsync();
        lock (context.State.Gate)
        {
            var channel = context.State.GetChannel(id, context.User);
            if (body.ContainsKey("name") || body.ContainsKey("topic")) context.CountAgainst(Bucket.ChannelRename, $"{id}");
            if (channel.IsThread) UpdateThread(context, channel, body);
            else UpdateChannel(context, channel, body);
            context.Discord.Channels.PublishUpdate(channel);
            return channel.ToJson(context.User);
        }
    }

    private static void UpdateChannel(RestContext context, DiscordChannel channel, JsonObject body)
    {
        if (!Permissions.In(channel, context.User).HasFlag(Permission.ManageChannels)) throw RestException.MissingPermissions();
        var (name, topic, seconds) = (ChannelValidator.ReadName(body), ChannelValidator.ReadTopic(body), ChannelValidator.ReadSlowMode(body));
        var parent = ChannelValidator.ReadParent(body, channel.Guild, channel.Type);
        var overwrites = ChannelValidator.ReadOverwrites(body);
        var (nsfw, position) = (body.Flag("nsfw"), body.Number("position"));
        if (parent is not null && parent != channel.Parent) context.Discord.Channels.CheckCategoryLimit(channel.Guild, parent);

        if (name is not null) channel.Name = ChannelService.NormalizeName(channel.Type, name);
        if (body.ContainsKey("topic")) channel.Topic = topic;
        if (body.ContainsKey("parent_id")) channel.Parent = parent;
        channel.RateLimitPerUser = seconds ?? channel.RateLimitPerUser;
        channel.Overwrites = overwrites ?? channel.Overwrites;
        channel.Nsfw = nsfw ?? channel.Nsfw;
        channel.Position = position ?? channel.Position;
    }

    private static void UpdateThread(RestContext context, DiscordChannel thread, JsonObject body)
    {
        var isManager = Permissions.In(thread, context.User).HasFlag(Permission.ManageThreads);
        if (!isManager && thread.OwnerId != context.User.Id) throw RestException.MissingPermissions();
        if (thread.Locked && !isManager) throw RestException.ThreadLocked();
        var (archived, locked) = (body.Flag("archived"), body.Flag("locked"));
        if (thread.Archived && archived != false) throw RestException.ThreadArchived();
        var (name, seconds, minutes) = (ChannelValidator.ReadName(body), ChannelValidator.ReadSlowMode(body), ChannelValidator.ReadAutoArchive(body));
        if (locked is not null && !isManager) throw RestException.MissingPermissions();

        thread.Name = name ?? thread.Name;
        thread.RateLimitPerUser = seconds ?? thread.RateLimitPerUser;
        thread.AutoArchiveMinutes = minutes ?? thread.AutoArchiveMinutes;
        thread.Locked = locked ?? thread.Locked;
        if (archived is not { } isArchived || isArchived == thread.Archived) return;
        thread.Archived = isArchived;
        thread.ArchiveChangedAt = context.Discord.Time.GetUtcNow();
    }

    private static Task<RestResponse> Delete(RestContext context)
    {
        var id = context.Id("channel");
        lock (context.State.Gate)
        {
            var channel = context.State.GetChannel(id, context.User);
            var required = channel.IsThread ? Permission.ManageThreads : Permission.ManageChannels;
            if (!Permissions.In(channel, context.User).HasFlag(required)) throw RestException.MissingPermissions();
            context.Discord.Channels.Delete(context.User, channel);
            return Task.FromResult<RestResponse>(channel.ToJson());
        }
    }

    private static Task<RestResponse> SendTyping(RestContext context)
    {
        var id = context.Id("channel");
        lock (context.State.Gate)
        {
            var channel = context.State.GetChannel(id, context.User);
            MessageValidator.CheckCanPost(channel, context.User);
            context.Discord.Messages.SendTyping(context.User, channel);
            return Task.FromResult(RestResponse.NoContent);
        }
    }
}
