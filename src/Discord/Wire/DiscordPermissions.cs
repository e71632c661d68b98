using System.Globalization;

namespace CozeCluster.Discord;

/// <summary>Discord's permission bits, as far as this project needs them (Discord's API reference, "Permissions").</summary>
[Flags]
internal enum DiscordPermissions : ulong
{
    None = 0,
    Administrator = 1UL << 3,
    ManageChannels = 1UL << 4,
    ViewChannels = 1UL << 10,
    SendMessages = 1UL << 11,
    AttachFiles = 1UL << 15,
    ReadMessageHistory = 1UL << 16,
    ManageThreads = 1UL << 34,
    CreatePublicThreads = 1UL << 35,
    SendMessagesInThreads = 1UL << 38,
}

/// <summary>A server as its members see it in the list of their servers.</summary>
internal sealed record OwnGuild
{
    public Snowflake Id { get; init; }

    /// <summary>The permission bits of the token's owner, in decimal digits.</summary>
    public string? Permissions { get; init; }

    /// <summary>The permissions of the token's owner.</summary>
    public DiscordPermissions Granted =>
        ulong.TryParse(Permissions, NumberStyles.None, CultureInfo.InvariantCulture, out var bits) ? (DiscordPermissions)bits : DiscordPermissions.None;
}

/// <summary>A member of a server.</summary>
internal sealed record DiscordMember
{
    public DiscordUser? User { get; init; }
}

/// <summary>The application of a bot.</summary>
internal sealed record DiscordApplication
{
    // Discord's API reference, "Application Flags": message content for bots in many servers, which Discord has to approve, and in few.
    private const long MessageContent = 1 << 18;
    private const long MessageContentLimited = 1 << 19;

    public Snowflake Id { get; init; }

    public long Flags { get; init; }

    /// <summary>Whether the message content intent is on in the developer portal.</summary>
    public bool HasMessageContent => (Flags & (MessageContent | MessageContentLimited)) != 0;
}
