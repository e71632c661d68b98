using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>The JSON of users, applications and members.</summary>
internal static class UserJson
{
    public static JsonObject ToJson(this DiscordUser user)
    {
        var json = new JsonObject
        {
            ["id"] = user.Id.ToString(),
            ["username"] = user.Username,
            ["discriminator"] = user.IsBot ? "0001" : "0",
            ["global_name"] = user.IsBot ? null : user.Username,
            ["avatar"] = null,
            ["public_flags"] = 0,
        };
        if (user.IsBot) json["bot"] = true;
        return json;
    }

    /// <summary>The user with the fields that only the user itself can see.</summary>
    public static JsonObject ToOwnJson(this DiscordUser user)
    {
        var json = user.ToJson();
        json["verified"] = !user.NeedsVerification;
        json["mfa_enabled"] = false;
        json["flags"] = 0;
        json["email"] = null;
        return json;
    }

    /// <summary>The application of a bot. Its flags contain the enabled privileged intents.</summary>
    public static JsonObject ToApplicationJson(this DiscordUser user)
    {
        return new JsonObject
        {
            ["id"] = user.Id.ToString(),
            ["name"] = user.Username,
            ["description"] = "",
            ["icon"] = null,
            ["bot_public"] = false,
            ["bot_require_code_grant"] = false,
            ["flags"] = Flag(Intents.GuildPresences, 13) | Flag(Intents.GuildMembers, 15) | Flag(Intents.MessageContent, 19),
            ["bot"] = user.ToJson(),
        };

        int Flag(Intents intent, int bit) => user.Privileged.HasFlag(intent) ? 1 << bit : 0;
    }

    public static JsonObject ToJson(this GuildMember member, DiscordGuild guild, bool withUser = true)
    {
        var json = new JsonObject
        {
            ["roles"] = member.IsManager ? new JsonArray(guild.Managers.Id.ToString()) : new JsonArray(),
            ["nick"] = null,
            ["avatar"] = null,
            ["joined_at"] = DiscordJson.Time(member.JoinedAt),
            ["premium_since"] = null,
            ["deaf"] = false,
            ["mute"] = false,
            ["pending"] = false,
            ["flags"] = 0,
        };
        if (withUser) json["user"] = member.User.ToJson();
        return json;
    }
}
