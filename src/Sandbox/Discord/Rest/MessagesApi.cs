using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary><c>/channels/{channel}/messages</c>.</summary>
internal static class MessagesApi
{
    public static void MapMessages(this RestPipeline api)
    {
        api.Map("GET", "/channels/{channel}/messages", List);
        api.Map("POST", "/channels/{channel}/messages", Create, Bucket.MessageCreate);
        api.Map("POST", "/channels/{channel}/messages/bulk-delete", DeleteMany);
        api.Map("GET", "/channels/{channel}/messages/{message}", Get);
        api.Map("PATCH", "/channels/{channel}/messages/{message}", Edit);
        api.Map("DELETE", "/channels/{channel}/messages/{message}", Delete);
    }

    private static async Task<RestResponse> Create(RestContext context)
    {
        var id = context.Id("channel");
        var form = await MessageForm.ReadAsync(context);
        lock (context.State.Gate)
        {
            var channel = context.State.GetChannel(id, context.User);
            var draft = new MessageValidator(context).CreateDraft(form, channel);
            if (channel.Archived)
            {
                channel.Archived = false;
                context.Discord.Channels.PublishUpdate(channel);
            }
            return ToJson(context, context.Discord.Messages.Create(context.User, channel, draft));
        }
    }

    private static async Task<RestResponse> Edit(RestContext context)
    {
        var (channelId, messageId) = (context.Id("channel"), context.Id("message"));
        var form = await MessageForm.ReadAsync(context);
        lock (context.State.Gate)
        {
            var message = context.State.GetMessage(channelId, messageId, context.User, Permission.None);
            new MessageValidator(context).ApplyEdit(form, message);
            return ToJson(context, message);
        }
    }

    private static Task<RestResponse> Get(RestContext context)
    {
        var (channelId, messageId) = (context.Id("channel"), context.Id("message"));
        lock (context.State.Gate) return Task.FromResult<RestResponse>(ToJson(context, context.State.GetMessage(channelId, messageId, context.User)));
    }

    private static Task<RestResponse> List(RestContext context)
    {
        var id = context.Id("channel");
        var limit = context.IntQuery("limit", 50, 1, 100);
        var (before, after, around) = (context.IdQuery("before"), context.IdQuery("after"), context.IdQuery("around"));
        lock (context.State.Gate)
        {
            var channel = context.State.GetChannel(id, context.User);
            if (!channel.AcceptsMessages) throw RestException.NotATextChannel();
            var canRead = Permissions.In(channel, context.User).HasFlag(Permission.ReadMessageHistory);
            var page = canRead ? GetPage(channel, limit, before, after, around) : [];
            return Task.FromResult<RestResponse>(DiscordJson.Array(page.Reverse().Select(message => ToJson(context, message))));
        }
    }

    /// <summary>The messages around, after or before an id, or the newest ones. Oldest first.</summary>
    private static IEnumerable<DiscordMessage> GetPage(DiscordChannel channel, int limit, ulong? before, ulong? after, ulong? around)
    {
        var messages = channel.Messages;
        if (around is { } middle) return messages.Skip(Math.Max(0, IndexFrom(middle) - limit / 2)).Take(limit);
        if (after is { } low) return messages.Skip(IndexFrom(low + 1)).Take(limit);
        var end = before is { } high ? IndexFrom(high) : messages.Count;
        return messages.Take(end).TakeLast(limit);

        int IndexFrom(ulong id) => channel.IndexOf(id) is var index && index >= 0 ? index : ~index;
    }

    private static Task<RestResponse> Delete(RestContext context)
    {
        var (channelId, messageId) = (context.Id("channel"), context.Id("message"));
        lock (context.State.Gate)
        {
            var message = context.State.GetMessage(channelId, messageId, context.User, Permission.None);
            if (message.Author != context.User && !Permissions.In(message.Channel, context.User).HasFlag(Permission.ManageMessages))
                throw RestException.MissingPermissions();
            context.Discord.Messages.Delete(context.User, message);
            return Task.FromResult(RestResponse.NoContent);
        }
    }

    private static async Task<RestResponse> DeleteMany(RestContext context)
    {
        var id = context.Id("channel");
        var ids = (await context.ReadJsonAsync()).List("messages") ?? throw RestException.Required("messages");
        if (ids.Count is < 2 or > 100) throw RestException.InvalidLength("messages", 2, 100);
        var deletedIds = ids.Select(node => ulong.TryParse(node?.ToString(), out var value) ? value : 0).ToHashSet();
        lock (context.State.Gate)
        {
            var channel = context.State.GetChannel(id, context.User, Permission.ManageMessages);
            context.Discord.Messages.DeleteMany(context.User, channel, [.. channel.Messages.Where(message => deletedIds.Contains(message.Id))]);
            return RestResponse.NoContent;
        }
    }

    /// <summary>Without the message content intent in the developer portal, a bot cannot read content by REST either.</summary>
    private static JsonObject ToJson(RestContext context, DiscordMessage message) =>
        context.Discord.Json.Write(message, context.User, !context.User.IsBot || context.User.Privileged.HasFlag(Intents.MessageContent));
}
