namespace CozeCluster.Sandbox.Discord;

/// <summary>A user that exists at the start.</summary>
/// <param name="Id">The snowflake, as a decimal number.</param>
/// <param name="Name">The user name.</param>
/// <param name="Token">The value of the header <c>Authorization</c>: after <c>Bot </c> for bots, alone for accounts. It is valid only in the sandbox.</param>
public sealed record SeededUser(string Id, string Name, string Token);

/// <summary>A guild that exists at the start.</summary>
/// <param name="Id">The snowflake, as a decimal number.</param>
/// <param name="Name">The guild's name.</param>
/// <param name="CategoryId">The id of its category <c>chats</c>.</param>
/// <param name="GeneralId">The id of its text channel <c>general</c>.</param>
/// <param name="FixedId">The id of its text channel <c>fixed</c>, for bots that use a fixed channel.</param>
public sealed record SeededGuild(string Id, string Name, string CategoryId, string GeneralId, string FixedId);

/// <summary>The users and guilds that exist at the start and after a reset.</summary>
public static class DiscordSeeds
{
    /// <summary>Three listener bots, which may manage channels, threads and messages. They are members of both guilds.</summary>
    public static IReadOnlyList<SeededUser> Listeners { get; } =
        [.. Enumerable.Range(1, 3).Select(n => new SeededUser($"100000000000000001{n}", $"listener-{n}", $"sandbox-listener-{n}"))];

    /// <summary>Six user accounts. All are members of the first guild, the first three also of the second.</summary>
    public static IReadOnlyList<SeededUser> Accounts { get; } =
        [.. Enumerable.Range(1, 6).Select(n => new SeededUser($"100000000000000002{n}", $"account-{n}", $"sandbox-account-{n}"))];

    /// <summary>Two Coze-hosted bots, which answer messages that mention them. They are members of both guilds.</summary>
    public static IReadOnlyList<SeededUser> CozeBots { get; } =
        [.. Enumerable.Range(1, 2).Select(n => new SeededUser($"100000000000000003{n}", $"coze-bot-{n}", $"sandbox-coze-bot-{n}"))];

    /// <summary>The account that owns both guilds. It has all permissions.</summary>
    public static SeededUser Owner { get; } = new("1000000000000000040", "owner", "sandbox-owner");

    /// <summary>Two guilds. With two shards, the first belongs to shard 0 and the second to shard 1.</summary>
    public static IReadOnlyList<SeededGuild> Guilds { get; } = [CreateGuild(1, 238_418_579_102), CreateGuild(2, 238_418_579_103)];

    private static SeededGuild CreateGuild(int number, ulong timestamp)
    {
        var id = timestamp << 22;
        return new($"{id}", $"guild-{number}", $"{id + 10}", $"{id + 11}", $"{id + 12}");
    }

    /// <summary>Adds the users and guilds to an empty state.</summary>
    internal static void AddTo(DiscordState state)
    {
        foreach (var seed in Listeners) state.AddUser(CreateUser(seed, UserKind.Listener));
        foreach (var seed in Accounts) state.AddUser(CreateUser(seed, UserKind.Account));
        foreach (var seed in CozeBots) state.AddUser(CreateUser(seed, UserKind.CozeBot));
        state.AddUser(CreateUser(Owner, UserKind.Account));
        AddGuild(state, Guilds[0], Accounts.Count);
        AddGuild(state, Guilds[1], 3);
    }

    private static DiscordUser CreateUser(SeededUser seed, UserKind kind) => new()
    {
        Id = ulong.Parse(seed.Id), Username = seed.Name, Token = seed.Token, Kind = kind,
    };

    private static void AddGuild(DiscordState state, SeededGuild seed, int accounts)
    {
        var id = ulong.Parse(seed.Id);
        var guild = new DiscordGuild
        {
            Id = id, Name = seed.Name, OwnerId = ulong.Parse(Owner.Id),
            Everyone = new(id, "@everyone", Permission.Default),
            Managers = new(id + 1, "managers", Permission.Default | Permission.Management),
        };
        state.AddGuild(guild);
        foreach (var user in (IEnumerable<SeededUser>)[Owner, .. Listeners, .. CozeBots, .. Accounts.Take(accounts)])
            guild.Add(state.Users[ulong.Parse(user.Id)], Snowflakes.TimeOf(id));

        state.AddChannel(CreateChannel(guild, seed.CategoryId, ChannelType.Category, "chats"));
        state.AddChannel(CreateChannel(guild, seed.GeneralId, ChannelType.Text, "general"));
        state.AddChannel(CreateChannel(guild, seed.FixedId, ChannelType.Text, "fixed"));
    }

    private static DiscordChannel CreateChannel(DiscordGuild guild, string id, ChannelType type, string name) =>
        new() { Id = ulong.Parse(id), Guild = guild, Type = type, Name = name };
}
