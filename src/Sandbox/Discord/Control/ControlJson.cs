using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>The JSON of the control endpoints.</summary>
internal static class ControlJson
{
    public static JsonObject Seeds() => new()
    {
        ["listeners"] = Users(DiscordSeeds.Listeners),
        ["accounts"] = Users(DiscordSeeds.Accounts),
        ["coze_bots"] = Users(DiscordSeeds.CozeBots),
        ["owner"] = User(DiscordSeeds.Owner),
        ["guilds"] = DiscordJson.Array(DiscordSeeds.Guilds.Select(guild => new JsonObject
        {
            ["id"] = guild.Id,
            ["name"] = guild.Name,
            ["category_id"] = guild.CategoryId,
            ["general_id"] = guild.GeneralId,
            ["fixed_id"] = guild.FixedId,
        })),
    };

    /// <summary>The number of events of each kind, and of open sessions and channels.</summary>
    public static JsonObject Counts(FakeDiscord discord)
    {
        var counts = new JsonObject();
        foreach (var kind in Enum.GetValues<DiscordRecordKind>()) counts[GetName(kind)] = discord.Records.Count(kind);
        counts["open_sessions"] = discord.OpenSessions;
        counts["channels"] = DiscordSeeds.Guilds.Sum(guild => discord.ChannelsOf(guild.Id).Count);
        return counts;
    }

    public static JsonArray Records(IEnumerable<DiscordRecord> lines) => DiscordJson.Array(lines.Select(line => new JsonObject
    {
        ["index"] = line.Index,
        ["at"] = DiscordJson.Time(line.At),
        ["kind"] = GetName(line.Kind),
        ["user_id"] = line.UserId,
        ["channel_id"] = line.ChannelId,
        ["message_id"] = line.MessageId,
        ["detail"] = line.Detail,
    }));

    /// <exception cref="ArgumentException">There is no such kind.</exception>
    public static DiscordRecordKind ParseKind(string name)
    {
        foreach (var kind in Enum.GetValues<DiscordRecordKind>())
            if (GetName(kind) == name) return kind;
        throw new ArgumentException($"kind is none of {string.Join(", ", Enum.GetValues<DiscordRecordKind>().Select(GetName))}");
    }

    public static JsonArray Channels(FakeDiscord discord, string guild) => DiscordJson.Array(discord.ChannelsOf(guild).Select(channel => new JsonObject
    {
        ["id"] = channel.Id,
        ["type"] = channel.Type,
        ["name"] = channel.Name,
        ["parent_id"] = channel.ParentId,
    }));

    public static JsonArray Messages(FakeDiscord discord, string channel) => DiscordJson.Array(discord.MessagesOf(channel).Select(message => new JsonObject
    {
        ["id"] = message.Id,
        ["author_id"] = message.AuthorId,
        ["content"] = message.Content,
        ["reply_to"] = message.ReplyTo,
        ["edited"] = message.Edited,
        ["has_components"] = message.HasComponents,
        ["attachments"] = DiscordJson.Array(message.Attachments.Select(name => (JsonNode?)name)),
    }));

    private static string GetName(DiscordRecordKind kind) => JsonNamingPolicy.SnakeCaseLower.ConvertName(kind.ToString());

    private static JsonArray Users(IEnumerable<SeededUser> users) => DiscordJson.Array(users.Select(User));

    private static JsonObject User(SeededUser user) => new() { ["id"] = user.Id, ["name"] = user.Name, ["token"] = user.Token };
}
