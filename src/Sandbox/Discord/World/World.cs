using System.Buffers.Binary;

namespace CozeCluster.Sandbox.Discord;

/// <summary>
/// Everything that exists: users, guilds, channels, messages. One lock, <see cref="Gate"/>, guards it and the order of events;
/// whoever reads or changes the world holds it, briefly, and never across an await.
/// </summary>
internal sealed class World(TimeProvider time)
{
    private readonly Dictionary<string, DiscordUser> _byToken = [];

    public Lock Gate { get; } = new();

    public Snowflakes Ids { get; } = new(time);

    public Dictionary<ulong, DiscordUser> Users { get; } = [];

    public Dictionary<ulong, DiscordGuild> Guilds { get; } = [];

    /// <summary>Channels, categories and threads of all guilds.</summary>
    public Dictionary<ulong, DiscordChannel> Channels { get; } = [];

    /// <summary>Attachments by id, for the content server. They outlive their message, as on Discord, until reset.</summary>
    public Dictionary<ulong, DiscordAttachment> Attachments { get; } = [];

    public DiscordUser? UserByToken(string token, bool bot) =>
        _byToken.TryGetValue(token, out var user) && user.IsBot == bot && user.TokenWorks ? user : null;

    public void AddUser(DiscordUser user)
    {
        Users.Add(user.Id, user);
        _byToken.Add(user.Token, user);
    }

    public void AddGuild(DiscordGuild guild) => Guilds.Add(guild.Id, guild);

    public void AddChannel(DiscordChannel channel)
    {
        channel.Position = channel.Guild.ChannelCount;
        channel.Guild.Channels.Add(channel.Id, channel);
        Channels.Add(channel.Id, channel);
    }

    public void RemoveChannel(DiscordChannel channel)
    {
        channel.Guild.Channels.Remove(channel.Id);
        Channels.Remove(channel.Id);
    }

    /// <summary>Keeps a file under a new id; of a PNG the size is read.</summary>
    public DiscordAttachment Attach(DiscordChannel channel, string filename, string contentType, byte[] bytes, string? description = null)
    {
        var size = PngSize(bytes);
        var file = new DiscordAttachment
        {
            Id = Ids.Next(), ChannelId = channel.Id, Filename = filename, ContentType = contentType, Bytes = bytes, Description = description,
            Width = size?.Width, Height = size?.Height,
        };
        Attachments.Add(file.Id, file);
        return file;
    }

    public void Clear()
    {
        Users.Clear();
        _byToken.Clear();
        Guilds.Clear();
        Channels.Clear();
        Attachments.Clear();
    }

    public DiscordGuild Guild(ulong id, DiscordUser viewer)
    {
        if (!Guilds.TryGetValue(id, out var guild)) throw DiscordError.UnknownGuild();
        return guild.Members.ContainsKey(viewer.Id) ? guild : throw DiscordError.MissingAccess();
    }

    /// <summary>The channel, once it is certain that <paramref name="viewer"/> sees it and may do what is asked.</summary>
    public DiscordChannel Channel(ulong id, DiscordUser viewer, Permission needed = Permission.None)
    {
        if (!Channels.TryGetValue(id, out var channel)) throw DiscordError.UnknownChannel();
        var permissions = Permissions.In(channel, viewer);
        if (!permissions.HasFlag(Permission.ViewChannel)) throw DiscordError.MissingAccess();
        if (!permissions.HasFlag(needed)) throw DiscordError.MissingPermissions();
        return channel;
    }

    public DiscordMessage Message(ulong channelId, ulong id, DiscordUser viewer, Permission needed = Permission.ReadMessageHistory) =>
        Channel(channelId, viewer, needed).Find(id) ?? throw DiscordError.UnknownMessage();

    private static (int Width, int Height)? PngSize(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= 24 && bytes[0] == 0x89 && bytes[1..4].SequenceEqual("PNG"u8)
            ? (BinaryPrimitives.ReadInt32BigEndian(bytes[16..]), BinaryPrimitives.ReadInt32BigEndian(bytes[20..]))
            : null;
}
