namespace CozeCluster.Sandbox.Discord;

/// <summary>Creates threads, and adds and removes their members.</summary>
internal static class ThreadsApi
{
    public static void MapThreads(this RestPipeline api)
    {
        api.Map("POST", "/channels/{channel}/messages/{message}/threads", CreateFromMessage);
        api.Map("POST", "/channels/{channel}/threads", Create);
        api.Map("GET", "/channels/{channel}/thread-members", ListMembers);
        api.Map("PUT", "/channels/{channel}/thread-members/{user}", AddMember);
        api.Map("DELETE", "/channels/{channel}/thread-members/{user}", RemoveMember);
    }

    private static async Task<RestResponse> CreateFromMessage(RestContext context)
    {
        var (channelId, messageId) = (context.Id("channel"), context.Id("message"));
        var body = await context.ReadJsonAsync();
        lock (context.State.Gate)
        {
            var starter = context.State.GetMessage(channelId, messageId, context.User);
            if (starter.Thread is not null) throw RestException.ThreadExists();
            return CreateThread(context, starter.Channel, ChannelValidator.CreateThreadDraft(body, starter.Channel, starter));
        }
    }

    private static async Task<RestResponse> Create(RestContext context)
    {
        var id = context.Id("channel");
        var body = await context.ReadJsonAsync();
        lock (context.State.Gate)
        {
            var parent = context.State.GetChannel(id, context.User);
            return CreateThread(context, parent, ChannelValidator.CreateThreadDraft(body, parent, starter: null));
        }
    }

    private static RestResponse CreateThread(RestContext context, DiscordChannel parent, ThreadDraft draft)
    {
        if (parent.Type is not (ChannelType.Text or ChannelType.Announcement)) throw RestException.WrongChannelType();
        var required = draft.Type == ChannelType.PrivateThread ? Permission.CreatePrivateThreads : Permission.CreatePublicThreads;
        if (!Permissions.In(parent, context.User).HasFlag(required)) throw RestException.MissingPermissions();
        return new(201, context.Discord.Channels.CreateThread(context.User, parent, draft).ToJson(context.User));
    }

    private static Task<RestResponse> ListMembers(RestContext context)
    {
        var id = context.Id("channel");
        lock (context.State.Gate)
        {
            var thread = GetThread(context, id);
            return Task.FromResult<RestResponse>(DiscordJson.Array(thread.ThreadMembers.Order().Select(user => ChannelJson.ThreadMember(thread, user))));
        }
    }

    private static Task<RestResponse> AddMember(RestContext context)
    {
        var (id, userId) = (context.Id("channel"), context.Id("user"));
        lock (context.State.Gate)
        {
            var thread = GetThread(context, id);
            if (thread.Archived) throw RestException.ThreadArchived();
            var user = context.State.Users.GetValueOrDefault(userId) ?? throw RestException.UnknownUser();
            if (!thread.Guild.Members.ContainsKey(userId)) throw RestException.UnknownMember();
            context.Discord.Channels.AddThreadMembers(thread, [user]);
            return Task.FromResult(RestResponse.NoContent);
        }
    }

    private static Task<RestResponse> RemoveMember(RestContext context)
    {
        var (id, userId) = (context.Id("channel"), context.Id("user"));
        lock (context.State.Gate)
        {
            var thread = GetThread(context, id);
            var permissions = Permissions.In(thread, context.User);
            if (userId != context.User.Id && thread.OwnerId != context.User.Id && !permissions.HasFlag(Permission.ManageThreads))
                throw RestException.MissingPermissions();
            thread.ThreadMembers.Remove(userId);
            return Task.FromResult(RestResponse.NoContent);
        }
    }

    private static DiscordChannel GetThread(RestContext context, ulong id) =>
        context.State.GetChannel(id, context.User) is { IsThread: true } thread ? thread : throw RestException.WrongChannelType();
}
