namespace CozeCluster.Sandbox.Discord;

/// <summary>Discord's permission bits, the ones the sandbox knows.</summary>
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

    Everyday = ViewChannel | SendMessages | EmbedLinks | AttachFiles | ReadMessageHistory
        | CreatePublicThreads | CreatePrivateThreads | SendMessagesInThreads,
    Management = ManageChannels | ManageMessages | ManageThreads,
    All = Administrator | Everyday | Management,
}

/// <summary>An exception to the guild's permissions in one channel.</summary>
internal sealed record PermissionOverwrite(ulong Id, bool ForMember, Permission Allow, Permission Deny);

internal static class Permissions
{
    /// <summary>What <paramref name="user"/> may do in <paramref name="channel"/>; nothing when not a member or unable to see it.</summary>
    public static Permission In(DiscordChannel channel, DiscordUser user)
    {
        var permissions = InPlace(channel.Parent is { } parent && channel.IsThread ? parent : channel, user);
        if (!permissions.HasFlag(Permission.ViewChannel)) return Permission.None;
        if (channel.Type == ChannelType.PrivateThread && !permissions.HasFlag(Permission.ManageThreads) && !channel.ThreadMembers.Contains(user.Id))
            return Permission.None;
        return permissions;
    }

    /// <summary>What <paramref name="user"/> may do in <paramref name="guild"/> at large.</summary>
    public static Permission In(DiscordGuild guild, DiscordUser user)
    {
        if (!guild.Members.TryGetValue(user.Id, out var member)) return Permission.None;
        if (guild.OwnerId == user.Id) return Permission.All;
        return guild.Everyone.Permissions | (member.IsManager ? guild.Managers.Permissions : Permission.None);
    }

    private static Permission InPlace(DiscordChannel channel, DiscordUser user)
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
