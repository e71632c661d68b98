using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>Validates the bodies of channel and thread requests. An invalid field gives a 50035 that names it.</summary>
internal static class ChannelValidator
{
    private static readonly ChannelType[] CreatableTypes =
        [ChannelType.Text, ChannelType.Voice, ChannelType.Category, ChannelType.Announcement, ChannelType.Stage, ChannelType.Forum, ChannelType.Media];

    public static ChannelDraft CreateDraft(JsonObject body, DiscordGuild guild)
    {
        var type = (ChannelType)(body.Number("type") ?? 0);
        if (!CreatableTypes.Contains(type)) throw RestException.InvalidChoice("type", "0, 2, 4, 5, 13, 15, 16");
        return new ChannelDraft
        {
            Name = ReadName(body) ?? throw RestException.Required("name"), Type = type, Topic = ReadTopic(body), Parent = ReadParent(body, guild, type),
            Nsfw = body.Flag("nsfw") ?? false, RateLimitPerUser = ReadSlowMode(body) ?? 0, Overwrites = ReadOverwrites(body) ?? [],
        };
    }

    public static ThreadDraft CreateThreadDraft(JsonObject body, DiscordChannel parent, DiscordMessage? starter)
    {
        var isAnnouncement = parent.Type == ChannelType.Announcement;
        var type = starter is null
            ? (ChannelType)(body.Number("type") ?? (int)ChannelType.PrivateThread)
            : isAnnouncement ? ChannelType.AnnouncementThread : ChannelType.PublicThread;
        if (type is not (ChannelType.AnnouncementThread or ChannelType.PublicThread or ChannelType.PrivateThread))
            throw RestException.InvalidChoice("type", "10, 11, 12");
        if (type == ChannelType.AnnouncementThread != isAnnouncement) throw RestException.WrongChannelType();
        return new ThreadDraft
        {
            Name = ReadName(body) ?? throw RestException.Required("name"), Type = type, Starter = starter,
            AutoArchiveMinutes = ReadAutoArchive(body) ?? 1440, RateLimitPerUser = ReadSlowMode(body) ?? 0,
        };
    }

    public static string? ReadName(JsonObject body)
    {
        var name = body.Text("name");
        return name is { Length: 0 or > 100 } ? throw RestException.InvalidLength("name", 1, 100) : name;
    }

    public static string? ReadTopic(JsonObject body)
    {
        var topic = body.Text("topic");
        return topic is { Length: > 1024 } ? throw RestException.InvalidLength("topic", 0, 1024) : topic;
    }

    public static int? ReadSlowMode(JsonObject body)
    {
        var seconds = body.Number("rate_limit_per_user");
        return seconds is < 0 or > 21_600
            ? throw RestException.InvalidForm("rate_limit_per_user", "NUMBER_TYPE_MAX", "int value should be between 0 and 21600.") : seconds;
    }

    public static int? ReadAutoArchive(JsonObject body)
    {
        var minutes = body.Number("auto_archive_duration");
        return minutes is null or 60 or 1440 or 4320 or 10080 ? minutes : throw RestException.InvalidChoice("auto_archive_duration", "60, 1440, 4320, 10080");
    }

    public static DiscordChannel? ReadParent(JsonObject body, DiscordGuild guild, ChannelType type)
    {
        if (body.Id("parent_id") is not { } id) return null;
        if (!guild.Channels.TryGetValue(id, out var parent))
            throw RestException.InvalidForm("parent_id", "CHANNEL_PARENT_INVALID", "Category does not exist");
        if (parent.Type != ChannelType.Category || type == ChannelType.Category)
            throw RestException.InvalidForm("parent_id", "CHANNEL_PARENT_INVALID_TYPE", "Not a category");
        return parent;
    }

    public static List<PermissionOverwrite>? ReadOverwrites(JsonObject body)
    {
        if (body.List("permission_overwrites") is not { } list) return null;
        var overwrites = new List<PermissionOverwrite>();
        foreach (var item in list)
        {
            if (item is not JsonObject entry) throw RestException.WrongType("permission_overwrites", "dict");
            var id = entry.Id("id") ?? throw RestException.Required($"permission_overwrites.{overwrites.Count}.id");
            var type = entry.Number("type") ?? 0;
            overwrites.Add(new(id, type == 1, (Permission)(entry.Id("allow") ?? 0), (Permission)(entry.Id("deny") ?? 0)));
        }
        return overwrites;
    }
}
