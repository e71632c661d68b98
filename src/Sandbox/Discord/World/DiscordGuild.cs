namespace CozeCluster.Sandbox.Discord;

internal sealed record GuildRole(ulong Id, string Name, Permission Permissions);

internal sealed record GuildMember(DiscordUser User, bool IsManager, DateTimeOffset JoinedAt);

internal sealed class DiscordGuild
{
    public required ulong Id { get; init; }

    public required string Name { get; init; }

    public required ulong OwnerId { get; init; }

    public required GuildRole Everyone { get; init; }

    public required GuildRole Managers { get; init; }

    public Dictionary<ulong, GuildMember> Members { get; } = [];

    /// <summary>Channels, categories and threads by id.</summary>
    public SortedDictionary<ulong, DiscordChannel> Channels { get; } = [];

    public void Add(DiscordUser user, DateTimeOffset at) =>
        Members[user.Id] = new(user, IsManager: user.Kind == UserKind.Listener, at);

    public int ChannelCount => Channels.Values.Count(channel => !channel.IsThread);

    public int ChildrenOf(ulong category) => Channels.Values.Count(channel => !channel.IsThread && channel.Parent?.Id == category);
}
