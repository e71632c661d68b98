namespace CozeCluster.Sandbox.Discord;

/// <summary>A user the sandbox starts with.</summary>
/// <param name="Id">The snowflake, decimal.</param>
/// <param name="Name">The user name.</param>
/// <param name="Token">What goes into <c>Authorization</c> (after <c>Bot </c> for bots, bare for accounts). Worth nothing anywhere else.</param>
public sealed record SeededUser(string Id, string Name, string Token);

/// <summary>A guild the sandbox starts with.</summary>
/// <param name="Id">The snowflake, decimal.</param>
/// <param name="Name">The guild's name.</param>
/// <param name="CategoryId">Its category <c>chats</c>.</param>
/// <param name="GeneralId">Its text channel <c>general</c>.</param>
/// <param name="FixedId">Its text channel <c>fixed</c>, for fixed-channel use.</param>
public sealed record SeededGuild(string Id, string Name, string CategoryId, string GeneralId, string FixedId);

/// <summary>What every fake Discord starts with, and returns to on reset.</summary>
public static class DiscordSeeds
{
    /// <summary>Three bots that listen, with the rights to manage channels, threads and messages. Members of both guilds.</summary>
    public static IReadOnlyList<SeededUser> Listeners { get; } =
        [.. Enumerable.Range(1, 3).Select(n => new SeededUser($"100000000000000001{n}", $"listener-{n}", $"sandbox-listener-{n}"))];

    /// <summary>Six user accounts. All are members of the first guild, 1 to 3 also of the second.</summary>
    public static IReadOnlyList<SeededUser> Accounts { get; } =
        [.. Enumerable.Range(1, 6).Select(n => new SeededUser($"100000000000000002{n}", $"account-{n}", $"sandbox-account-{n}"))];

    /// <summary>Two Coze-hosted bots, which answer messages that mention them. Members of both guilds.</summary>
    public static IReadOnlyList<SeededUser> CozeBots { get; } =
        [.. Enumerable.Range(1, 2).Select(n => new SeededUser($"100000000000000003{n}", $"coze-bot-{n}", $"sandbox-coze-bot-{n}"))];

    /// <summary>The account that owns both guilds and may do everything there.</summary>
    public static SeededUser Owner { get; } = new("1000000000000000040", "owner", "sandbox-owner");

    /// <summary>Two guilds; with two shards the first lies on shard 0, the second on shard 1.</summary>
    public static IReadOnlyList<SeededGuild> Guilds { get; } = [Guild(1, 238_418_579_102), Guild(2, 238_418_579_103)];

    private static SeededGuild Guild(int n, ulong stamp)
    {
        var id = stamp << 22;
        return new($"{id}", $"guild-{n}", $"{id + 10}", $"{id + 11}", $"{id + 12}");
    }

    internal static void Plant(World world)
    {
        foreach (var seed in Listeners) world.AddUser(User(seed, UserKind.Listener));
        foreach (var seed in Accounts) world.AddUser(User(seed, UserKind.Account));
        foreach (var seed in CozeBots) world.AddUser(User(seed, UserKind.CozeBot));
        world.AddUser(User(Owner, UserKind.Account));
        Plant(world, Guilds[0], Accounts.Count);
        Plant(world, Guilds[1], 3);
    }

    private static DiscordUser User(SeededUser seed, UserKind kind) => new()
    {
        Id = ulong.Parse(seed.Id), Username = seed.Name, Token = seed.Token, Kind = kind,
    };

    private static void Plant(World world, SeededGuild seed, int accounts)
    {
        var id = ulong.Parse(seed.Id);
        var guild = new DiscordGuild
        {
            Id = id, Name = seed.Name, OwnerId = ulong.Parse(Owner.Id),
            Everyone = new(id, "@everyone", Permission.Everyday),
            Managers = new(id + 1, "managers", Permission.Everyday | Permission.Management),
        };
        world.AddGuild(guild);
        foreach (var user in (IEnumerable<SeededUser>)[Owner, .. Listeners, .. CozeBots, .. Accounts.Take(accounts)])
            guild.Add(world.Users[ulong.Parse(user.Id)], Snowflakes.TimeOf(id));

        world.AddChannel(Channel(guild, seed.CategoryId, ChannelType.Category, "chats"));
        world.AddChannel(Channel(guild, seed.GeneralId, ChannelType.Text, "general"));
        world.AddChannel(Channel(guild, seed.FixedId, ChannelType.Text, "fixed"));
    }

    private static DiscordChannel Channel(DiscordGuild guild, string id, ChannelType type, string name) =>
        new() { Id = ulong.Parse(id), Guild = guild, Type = type, Name = name };
}
