using System.Buffers.Binary;

namespace CozeCluster.Sandbox.Discord;

/// <summary>
/// All users, guilds, channels and messages. One lock, <see cref="Gate"/>, guards this state and the order of events. Code that reads or
/// changes the state holds the lock for a short time, and never across an await.
/// </summary>
internal sealed class DiscordState(TimeProvider time)
{
    private readonly Dictionary<string, DiscordUser> _usersByToken = [];

    public Lock Gate { get; } = new();

    public Snowflakes Ids { get; } = new(time);

    public Dictionary<ulong, DiscordUser> Users { get; } = [];

    public Dictionary<ulong, DiscordGuild> Guilds { get; } = [];

    /// <summary>The channels, categories and threads of all guilds.</summary>
    public Dictionary<ulong, DiscordChannel> Channels { get; } = [];

    /// <summary>The attachments by id. As on Discord, they outlive their message; a reset removes them.</summary>
    public Dictionary<ulong, DiscordAttachment> Attachments { get; } = [];

    public DiscordUser? FindUserByToken(string token, bool isBot) =>
        _usersByToken.TryGetValue(token, out var user) && user.IsBot == isBot && user.IsTokenValid ? user : null;

    public void AddUser(DiscordUser user)
    {
        Users.Add(user.Id, user);
        _usersByToken.Add(user.Token, user);
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

    /// <summary>Stores a file under a new id. Width and height are read from PNG files only.</summary>
    public DiscordAttachment AddAttachment(
        DiscordChannel channel, string filename, string contentType, byte[] bytes, string? description = null, bool isExternal = false)
    {
        var size = ReadPngSize(bytes);
        var file = new DiscordAttachment
        {
            Id = Ids.Next(), ChannelId = channel.Id, Filename = filename, ContentType = contentType, Bytes = bytes, Description = description,
            IsExternal = isExternal,
            Width = size?.Width, Height = size?.Height,
        };
        Attachments.Add(file.Id, file);
        return file;
    }

    public void Clear()
    {
        Users.Clear();
        _usersByToken.Clear();
        Guilds.Clear();
        Channels.Clear();
        Attachments.Clear();
    }

    /// <summary>A guild that <paramref name="viewer"/> is a member of.</summary>
    /// <exception cref="RestException">10004: it does not exist. 50001: the viewer is not a member.</exception>
    public DiscordGuild GetGuild(ulong id, DiscordUser viewer)
    {
        if (!Guilds.TryGetValue(id, out var guild)) throw RestException.UnknownGuild();
        return guild.Members.ContainsKey(viewer.Id) ? guild : throw RestException.MissingAccess();
    }

    /// <summary>A channel that <paramref name="viewer"/> can see, and where the viewer has the required permissions.</summary>
    /// <exception cref="RestException">10003: it does not exist. 50001: the viewer cannot see it. 50013: a permission is missing.</exception>
    public DiscordChannel GetChannel(ulong id, DiscordUser viewer, Permission required = Permission.None)
    {
        if (!Channels.TryGetValue(id, out var channel)) throw RestException.UnknownChannel();
        var permissions = Permissions.In(channel, viewer);
        if (!permissions.HasFlag(Permission.ViewChannel)) throw RestException.MissingAccess();
        if (!permissions.HasFlag(required)) throw RestException.MissingPermissions();
        return channel;
    }

    /// <summary>A message in a channel that <paramref name="viewer"/> can see.</summary>
    /// <exception cref="RestException">10008: it does not exist. Others: see <see cref="GetChannel"/>.</exception>
    public DiscordMessage GetMessage(ulong channelId, ulong id, DiscordUser viewer, Permission required = Permission.ReadMessageHistory) =>
        GetChannel(channelId, viewer, required).Find(id) ?? throw RestException.UnknownMessage();

    private static (int Width, int Height)? ReadPngSize(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= 24 && bytes[0] == 0x89 && bytes[1..4].SequenceEqual("PNG"u8)
            ? (BinaryPrimitives.ReadInt32BigEndian(bytes[16..]), BinaryPrimitives.ReadInt32BigEndian(bytes[20..]))
            : null;
}

/// <summary>Creates Discord ids: the milliseconds since 2015, above 22 low bits. Each id is higher than the one before. Not thread-safe.</summary>
internal sealed class Snowflakes(TimeProvider time)
{
    private const long Epoch = 1_420_070_400_000;
    private ulong _last;

    public ulong Next()
    {
        var now = (ulong)(time.GetUtcNow().ToUnixTimeMilliseconds() - Epoch) << 22;
        return _last = Math.Max(_last + 1, now);
    }

    public static DateTimeOffset TimeOf(ulong id) => DateTimeOffset.FromUnixTimeMilliseconds((long)(id >> 22) + Epoch);
}
