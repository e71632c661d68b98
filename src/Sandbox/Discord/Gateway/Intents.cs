namespace CozeCluster.Sandbox.Discord;

/// <summary>Discord's gateway intents.</summary>
[Flags]
public enum Intents
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Guilds, channels and threads.</summary>
    Guilds = 1 << 0,

    /// <summary>Privileged: members.</summary>
    GuildMembers = 1 << 1,

    /// <summary>Privileged: presences.</summary>
    GuildPresences = 1 << 8,

    /// <summary>Messages in guilds.</summary>
    GuildMessages = 1 << 9,

    /// <summary>Who types in guilds.</summary>
    GuildMessageTyping = 1 << 11,

    /// <summary>Privileged: what messages say.</summary>
    MessageContent = 1 << 15,

    /// <summary>The ones that need a switch in the developer portal.</summary>
    Privileged = GuildMembers | GuildPresences | MessageContent,

    /// <summary>Every bit Discord defines: 0 to 16, 20, 21, 24 and 25.</summary>
    Known = (1 << 17) - 1 | 0b11 << 20 | 0b11 << 24,
}
