using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>The JSON of channels and threads.</summary>
internal static class ChannelJson
{
    /// <summary>The channel or thread. For a thread, also the membership of <paramref name="viewer"/>, if the viewer is a member.</summary>
    public static JsonObject ToJson(this DiscordChannel channel, DiscordUser? viewer = null)
    {
        var json = new JsonObject
        {
            ["id"] = channel.Id.ToString(),
            ["type"] = (int)channel.Type,
            ["guild_id"] = channel.Guild.Id.ToString(),
            ["name"] = channel.Name,
            ["parent_id"] = DiscordJson.Id(channel.Parent?.Id),
            ["last_message_id"] = DiscordJson.Id(channel.LastMessageId),
            ["rate_limit_per_user"] = channel.RateLimitPerUser,
            ["flags"] = 0,
        };
        if (channel.IsThread) AddThreadFields(json, channel, viewer);
        else AddChannelFields(json, channel);
        return json;
    }

    private static void AddChannelFields(JsonObject json, DiscordChannel channel)
    {
        json["position"] = channel.Position;
        json["topic"] = channel.Topic;
        json["nsfw"] = channel.Nsfw;
        json["permission_overwrites"] = DiscordJson.Array(channel.Overwrites.Select(o => new JsonObject
        {
            ["id"] = o.Id.ToString(),
            ["type"] = o.ForMember ? 1 : 0,
            ["allow"] = ((ulong)o.Allow).ToString(),
            ["deny"] = ((ulong)o.Deny).ToString(),
        }));
    }

    private static void AddThreadFields(JsonObject json, DiscordChannel thread, DiscordUser? viewer)
    {
        json["owner_id"] = thread.OwnerId.ToString();
        json["message_count"] = Math.Min(50, thread.Messages.Count(m => m.Type != MessageType.ThreadStarter));
        json["total_message_sent"] = thread.Messages.Count(m => m.Type != MessageType.ThreadStarter);
        json["member_count"] = Math.Min(50, thread.ThreadMembers.Count);
        json["thread_metadata"] = new JsonObject
        {
            ["archived"] = thread.Archived,
            ["auto_archive_duration"] = thread.AutoArchiveMinutes,
            ["archive_timestamp"] = DiscordJson.Time(thread.ArchiveChangedAt),
            ["locked"] = thread.Locked,
            ["create_timestamp"] = DiscordJson.Time(Snowflakes.TimeOf(thread.Id)),
        };
        if (viewer is not null && thread.ThreadMembers.Contains(viewer.Id)) json["member"] = ThreadMember(thread, viewer.Id);
    }

    /// <summary>The membership of a user in a thread.</summary>
    public static JsonObject ThreadMember(DiscordChannel thread, ulong userId) => new()
    {
        ["id"] = thread.Id.ToString(),
        ["user_id"] = userId.ToString(),
        ["join_timestamp"] = DiscordJson.Time(Snowflakes.TimeOf(thread.Id)),
        ["flags"] = 0,
    };
}
