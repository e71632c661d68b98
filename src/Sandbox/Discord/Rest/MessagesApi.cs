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

    private static async Task<RestReply> Create(RestCall call)
    {
        var id = call.Id("channel");
        var form = await MessageForm.ReadAsync(call);
        lock (call.World.Gate)
        {
            var channel = call.World.Channel(id, call.User);
            var draft = new MessageRules(call).Draft(form, channel);
            if (channel.Archived)
            {
                channel.Archived = false;
                call.Discord.Channels.Changed(channel);
            }
            return Write(call, call.Discord.Messages.Create(call.User, channel, draft));
        }
    }

    private static async Task<RestReply> Edit(RestCall call)
    {
        var (channelId, messageId) = (call.Id("channel"), call.Id("message"));
        var form = await MessageForm.ReadAsync(call);
        lock (call.World.Gate)
        {
            var message = call.World.Message(channelId, messageId, call.User, Permission.None);
            new MessageRules(call).Edit(form, message);
            return Write(call, message);
        }
    }

    private static Task<RestReply> Get(RestCall call)
    {
        var (channelId, messageId) = (call.Id("channel"), call.Id("message"));
        lock (call.World.Gate) return Task.FromResult<RestReply>(Write(call, call.World.Message(channelId, messageId, call.User)));
    }

    private static Task<RestReply> List(RestCall call)
    {
        var id = call.Id("channel");
        var limit = call.QueryInt("limit", 50, 1, 100);
        var (before, after, around) = (call.QueryId("before"), call.QueryId("after"), call.QueryId("around"));
        lock (call.World.Gate)
        {
            var channel = call.World.Channel(id, call.User);
            if (!channel.TakesMessages) throw DiscordError.NotAText();
            var readable = Permissions.In(channel, call.User).HasFlag(Permission.ReadMessageHistory);
            var page = readable ? Page(channel, limit, before, after, around) : [];
            return Task.FromResult<RestReply>(DiscordJson.Array(page.Reverse().Select(message => Write(call, message))));
        }
    }

    /// <summary>From old to new: those around an id, just after one, just before one, or the newest.</summary>
    private static IEnumerable<DiscordMessage> Page(DiscordChannel channel, int limit, ulong? before, ulong? after, ulong? around)
    {
        var messages = channel.Messages;
        if (around is { } middle) return messages.Skip(Math.Max(0, IndexFrom(middle) - limit / 2)).Take(limit);
        if (after is { } low) return messages.Skip(IndexFrom(low + 1)).Take(limit);
        var end = before is { } high ? IndexFrom(high) : messages.Count;
        return messages.Take(end).TakeLast(limit);

        int IndexFrom(ulong id) => channel.IndexOf(id) is var index && index >= 0 ? index : ~index;
    }

    private static Task<RestReply> Delete(RestCall call)
    {
        var (channelId, messageId) = (call.Id("channel"), call.Id("message"));
        lock (call.World.Gate)
        {
            var message = call.World.Message(channelId, messageId, call.User, Permission.None);
            if (message.Author != call.User && !Permissions.In(message.Channel, call.User).HasFlag(Permission.ManageMessages))
                throw DiscordError.MissingPermissions();
            call.Discord.Messages.Delete(call.User, message);
            return Task.FromResult(RestReply.NoContent);
        }
    }

    private static async Task<RestReply> DeleteMany(RestCall call)
    {
        var id = call.Id("channel");
        var ids = (await call.ReadJsonAsync()).List("messages") ?? throw DiscordError.Required("messages");
        if (ids.Count is < 2 or > 100) throw DiscordError.BadLength("messages", 2, 100);
        var wanted = ids.Select(node => ulong.TryParse(node?.ToString(), out var value) ? value : 0).ToHashSet();
        lock (call.World.Gate)
        {
            var channel = call.World.Channel(id, call.User, Permission.ManageMessages);
            call.Discord.Messages.DeleteMany(call.User, channel, [.. channel.Messages.Where(message => wanted.Contains(message.Id))]);
            return RestReply.NoContent;
        }
    }

    /// <summary>A bot whose message content switch is off reads no content by REST either.</summary>
    private static JsonObject Write(RestCall call, DiscordMessage message) =>
        call.Discord.Json.Write(message, call.User, !call.User.IsBot || call.User.Privileged.HasFlag(Intents.MessageContent));
}
