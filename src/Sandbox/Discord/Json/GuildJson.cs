using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>The JSON of guilds and roles.</summary>
internal static class GuildJson
{
    public static JsonObject ToJson(this DiscordGuild guild) => new()
    {
        ["id"] = guild.Id.ToString(),
        ["name"] = guild.Name,
        ["icon"] = null,
        ["splash"] = null,
        ["discovery_splash"] = null,
        ["owner_id"] = guild.OwnerId.ToString(),
        ["afk_channel_id"] = null,
        ["afk_timeout"] = 300,
        ["verification_level"] = 0,
        ["default_message_notifications"] = 1,
        ["explicit_content_filter"] = 0,
        ["roles"] = new JsonArray(guild.Everyone.ToJson(0), guild.Managers.ToJson(1)),
        ["emojis"] = new JsonArray(),
        ["stickers"] = new JsonArray(),
        ["features"] = new JsonArray(),
        ["mfa_level"] = 0,
        ["application_id"] = null,
        ["system_channel_id"] = null,
        ["system_channel_flags"] = 0,
        ["rules_channel_id"] = null,
        ["public_updates_channel_id"] = null,
        ["vanity_url_code"] = null,
        ["description"] = null,
        ["banner"] = null,
        ["premium_tier"] = 0,
        ["premium_subscription_count"] = 0,
        ["preferred_locale"] = "en-US",
        ["nsfw_level"] = 0,
        ["premium_progress_bar_enabled"] = false,
        ["safety_alerts_channel_id"] = null,
    };

    /// <summary>The guild in GUILD_CREATE: with its members, and the channels and threads that <paramref name="viewer"/> can see.</summary>
    public static JsonObject ToCreateEvent(this DiscordGuild guild, DiscordUser viewer)
    {
        var visible = guild.Channels.Values.Where(c => Permissions.In(c, viewer).HasFlag(Permission.ViewChannel)).ToList();
        var json = guild.ToJson();
        json["joined_at"] = DiscordJson.Time(guild.Members[viewer.Id].JoinedAt);
        json["large"] = false;
        json["unavailable"] = false;
        json["member_count"] = guild.Members.Count;
        json["members"] = DiscordJson.Array(guild.Members.Values.Select(m => m.ToJson(guild)));
        json["channels"] = DiscordJson.Array(visible.Where(c => !c.IsThread).Select(c => c.ToJson()));
        json["threads"] = DiscordJson.Array(visible.Where(c => c is { IsThread: true, Archived: false }).Select(c => c.ToJson(viewer)));
        foreach (var field in (string[])["voice_states", "presences", "stage_instances", "guild_scheduled_events", "soundboard_sounds"])
            json[field] = new JsonArray();
        return json;
    }

    public static JsonObject ToJson(this GuildRole role, int position) => new()
    {
        ["id"] = role.Id.ToString(),
        ["name"] = role.Name,
        ["color"] = 0,
        ["colors"] = new JsonObject { ["primary_color"] = 0, ["secondary_color"] = null, ["tertiary_color"] = null },
        ["hoist"] = false,
        ["position"] = position,
        ["permissions"] = ((ulong)role.Permissions).ToString(),
        ["managed"] = false,
        ["mentionable"] = false,
        ["flags"] = 0,
    };
}
