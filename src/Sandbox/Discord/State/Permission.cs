namespace CozeCluster.Sandbox.Discord;

/// <summary>Discord's permission bits, as far as the sandbox knows them.</summary>
[Flags]
internal enum Permission : ulong
{
    None = 0,
    Administrator = 1UL << 3,
    ManageChannels = 1UL << 4,
    ViewChannel = 1UL << 10,
    SendMessages = 1UL << 11,
    ManageMessages = 1UL << 13,
    EmbedLinks = 1UL << 14,
    AttachFiles = 1UL << 15,
    ReadMessageHistory = 1UL << 16,
    ManageThreads = 1UL << 34,
    CreatePublicThreads = 1UL << 35,
    CreatePrivateThreads = 1UL << 36,
    SendMessagesInThreads = 1UL << 38,

    /// <summary>The permissions of the role @everyone.</summary>
    Default = ViewChannel | SendMessages | EmbedLinks | AttachFiles | ReadMessageHistory
        | CreatePublicThreads | CreatePrivateThreads | SendMessagesInThreads,

    /// <summary>The additional permissions of managers.</summary>
    Management = ManageChannels | ManageMessages | ManageThreads,

    /// <summary>The permissions of the guild's owner.</summary>
    All = Administrator | Default | Management,
}

/// <summary>An exception to the guild's permissions, for a role or a member in one channel.</summary>
internal sealed record PermissionOverwrite(ulong Id, bool ForMember, Permission Allow, Permission Deny);

/// <summary>Calculates permissions.</summary>
internal static class Permissions
{
    /// <summary>The permissions of a user in a channel. None for a user who is not a member or cannot see the channel.</summary>
    public static Permission In(DiscordChannel channel, DiscordUser user)
    {
        var permissions = WithOverwrites(channel.Parent is { } parent && channel.IsThread ? parent : channel, user);
        if (!permissions.HasFlag(Permission.ViewChannel)) return Permission.None;
        if (channel.Type == ChannelType.PrivateThread && !permissions.HasFlag(Permission.ManageThreads) && !channel.ThreadMembers.Contains(user.Id))
            return Permission.None;
        return permissions;
    }

    /// <summary>The permissions of a user in a guild, without the overwrites of channels.</summary>
    public static Permission In(DiscordGuild guild, DiscordUser user)
    {
        if (!guild.Members.TryGetValue(user.Id, out var member)) return Permission.None;
        if (guild.OwnerId == user.Id) return Permission.All;
        return guild.Everyone.Permissions | (member.IsManager ? guild.Managers.Permissions : Permission.None);
    }

    private static Permission WithOverwrites(DiscordChannel channel, DiscordUser user)
    {
        var permissions = In(channel.Guild, user);
        if (permissions == Permission.None || permissions.HasFlag(Permission.Administrator)) return permissions;
        var isManager = channel.Guild.Members[user.Id].IsManager;
        permissions = Apply(permissions, channel.Overwrites.Where(o => !o.ForMember && o.Id == channel.Guild.Everyone.Id));
        permissions = Apply(permissions, channel.Overwrites.Where(o => !o.ForMember && o.Id == channel.Guild.Managers.Id && isManager));
        return Apply(permissions, channel.Overwrites.Where(o => o.ForMember && o.Id == user.Id));
    }

    private static Permission Apply(Permission permissions, IEnumerable<PermissionOverwrite> overwrites) =>
        overwrites.Aggregate(permissions, (current, overwrite) => current & ~overwrite.Deny | overwrite.Allow);
}
