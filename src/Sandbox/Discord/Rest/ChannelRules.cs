using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>What a channel or thread may look like. Every breach is a 50035 that names the field.</summary>
internal static class ChannelRules
{
    private static readonly ChannelType[] Creatable =
        [ChannelType.Text, ChannelType.Voice, ChannelType.Category, ChannelType.Announcement, ChannelType.Stage, ChannelType.Forum, ChannelType.Media];

    public static ChannelDraft Draft(JsonObject body, DiscordGuild guild)
    {
        var type = (ChannelType)(body.Number("type") ?? 0);
        if (!Creatable.Contains(type)) throw DiscordError.NotAChoice("type", "0, 2, 4, 5, 13, 15, 16");
        return new ChannelDraft
        {
            Name = Name(body) ?? throw DiscordError.Required("name"), Type = type, Topic = Topic(body), Parent = Parent(body, guild, type),
            Nsfw = body.Flag("nsfw") ?? false, RateLimitPerUser = SlowMode(body) ?? 0, Overwrites = Overwrites(body) ?? [],
        };
    }

    public static ThreadDraft Thread(JsonObject body, DiscordChannel parent, DiscordMessage? starter)
    {
        var isNews = parent.Type == ChannelType.Announcement;
        var type = starter is null
            ? (ChannelType)(body.Number("type") ?? (int)ChannelType.PrivateThread)
            : isNews ? ChannelType.AnnouncementThread : ChannelType.PublicThread;
        if (type is not (ChannelType.AnnouncementThread or ChannelType.PublicThread or ChannelType.PrivateThread))
            throw DiscordError.NotAChoice("type", "10, 11, 12");
        if (type == ChannelType.AnnouncementThread != isNews) throw DiscordError.WrongChannelType();
        return new ThreadDraft
        {
            Name = Name(body) ?? throw DiscordError.Required("name"), Type = type, Starter = starter,
            AutoArchiveMinutes = AutoArchive(body) ?? 1440, RateLimitPerUser = SlowMode(body) ?? 0,
        };
    }

    public static string? Name(JsonObject body)
    {
        var name = body.Text("name");
        return name is { Length: 0 or > 100 } ? throw DiscordError.BadLength("name", 1, 100) : name;
    }

    public static string? Topic(JsonObject body)
    {
        var topic = body.Text("topic");
        return topic is { Length: > 1024 } ? throw DiscordError.BadLength("topic", 0, 1024) : topic;
    }

    public static int? SlowMode(JsonObject body)
    {
        var seconds = body.Number("rate_limit_per_user");
        return seconds is < 0 or > 21_600
            ? throw DiscordError.InvalidForm("rate_limit_per_user", "NUMBER_TYPE_MAX", "int value should be between 0 and 21600.") : seconds;
    }

    public static int? AutoArchive(JsonObject body)
    {
        var minutes = body.Number("auto_archive_duration");
        return minutes is null or 60 or 1440 or 4320 or 10080 ? minutes : throw DiscordError.NotAChoice("auto_archive_duration", "60, 1440, 4320, 10080");
    }

    public static DiscordChannel? Parent(JsonObject body, DiscordGuild guild, ChannelType type)
    {
        if (body.Id("parent_id") is not { } id) return null;
        if (!guild.Channels.TryGetValue(id, out var parent))
            throw DiscordError.InvalidForm("parent_id", "CHANNEL_PARENT_INVALID", "Category does not exist");
        if (parent.Type != ChannelType.Category || type == ChannelType.Category)
            throw DiscordError.InvalidForm("parent_id", "CHANNEL_PARENT_INVALID_TYPE", "Not a category");
        return parent;
    }

    public static List<PermissionOverwrite>? Overwrites(JsonObject body)
    {
        if (body.List("permission_overwrites") is not { } list) return null;
        var overwrites = new List<PermissionOverwrite>();
        foreach (var item in list)
        {
            if (item is not JsonObject entry) throw DiscordError.WrongType("permission_overwrites", "dict");
            var id = entry.Id("id") ?? throw DiscordError.Required($"permission_overwrites.{overwrites.Count}.id");
            var type = entry.Number("type") ?? 0;
            overwrites.Add(new(id, type == 1, (Permission)(entry.Id("allow") ?? 0), (Permission)(entry.Id("deny") ?? 0)));
        }
        return overwrites;
    }
}
