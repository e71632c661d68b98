namespace CozeCluster.Sandbox.Discord;

/// <summary>Making threads, and who is in them.</summary>
internal static class ThreadsApi
{
    public static void MapThreads(this RestPipeline api)
    {
        api.Map("POST", "/channels/{channel}/messages/{message}/threads", CreateFromMessage);
        api.Map("POST", "/channels/{channel}/threads", Create);
        api.Map("GET", "/channels/{channel}/thread-members", Members);
        api.Map("PUT", "/channels/{channel}/thread-members/{user}", Join);
        api.Map("DELETE", "/channels/{channel}/thread-members/{user}", Leave);
    }

    private static async Task<RestReply> CreateFromMessage(RestCall call)
    {
        var (channelId, messageId) = (call.Id("channel"), call.Id("message"));
        var body = await call.ReadJsonAsync();
        lock (call.World.Gate)
        {
            var starter = call.World.Message(channelId, messageId, call.User);
            if (starter.Thread is not null) throw DiscordError.ThreadExists();
            return Make(call, starter.Channel, ChannelRules.Thread(body, starter.Channel, starter));
        }
    }

    private static async Task<RestReply> Create(RestCall call)
    {
        var id = call.Id("channel");
        var body = await call.ReadJsonAsync();
        lock (call.World.Gate)
        {
            var parent = call.World.Channel(id, call.User);
            return Make(call, parent, ChannelRules.Thread(body, parent, starter: null));
        }
    }

    private static RestReply Make(RestCall call, DiscordChannel parent, ThreadDraft draft)
    {
        if (parent.Type is not (ChannelType.Text or ChannelType.Announcement)) throw DiscordError.WrongChannelType();
        var needed = draft.Type == ChannelType.PrivateThread ? Permission.CreatePrivateThreads : Permission.CreatePublicThreads;
        if (!Permissions.In(parent, call.User).HasFlag(needed)) throw DiscordError.MissingPermissions();
        return new(201, call.Discord.Channels.CreateThread(call.User, parent, draft).ToJson(call.User));
    }

    private static Task<RestReply> Members(RestCall call)
    {
        var id = call.Id("channel");
        lock (call.World.Gate)
        {
            var thread = Thread(call, id);
            return Task.FromResult<RestReply>(DiscordJson.Array(thread.ThreadMembers.Order().Select(user => ChannelJson.MemberOf(thread, user))));
        }
    }

    private static Task<RestReply> Join(RestCall call)
    {
        var (id, userId) = (call.Id("channel"), call.Id("user"));
        lock (call.World.Gate)
        {
            var thread = Thread(call, id);
            if (thread.Archived) throw DiscordError.Archived();
            var user = call.World.Users.GetValueOrDefault(userId) ?? throw DiscordError.UnknownUser();
            if (!thread.Guild.Members.ContainsKey(userId)) throw DiscordError.UnknownMember();
            call.Discord.Channels.JoinThread(thread, [user]);
            return Task.FromResult(RestReply.NoContent);
        }
    }

    private static Task<RestReply> Leave(RestCall call)
    {
        var (id, userId) = (call.Id("channel"), call.Id("user"));
        lock (call.World.Gate)
        {
            var thread = Thread(call, id);
            var permissions = Permissions.In(thread, call.User);
            if (userId != call.User.Id && thread.OwnerId != call.User.Id && !permissions.HasFlag(Permission.ManageThreads))
                throw DiscordError.MissingPermissions();
            thread.ThreadMembers.Remove(userId);
            return Task.FromResult(RestReply.NoContent);
        }
    }

    private static DiscordChannel Thread(RestCall call, ulong id) =>
        call.World.Channel(id, call.User) is { IsThread: true } thread ? thread : throw DiscordError.WrongChannelType();
}
