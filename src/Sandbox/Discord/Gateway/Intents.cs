namespace CozeCluster.Sandbox.Discord;

/// <summary>Discord's gateway intents: the kinds of events that a session receives.</summary>
[Flags]
public enum Intents
{
    /// <summary>No events.</summary>
    None = 0,

    /// <summary>Guilds, channels and threads.</summary>
    Guilds = 1 << 0,

    /// <summary>Members of guilds. Privileged.</summary>
    GuildMembers = 1 << 1,

    /// <summary>Presences. Privileged.</summary>
    GuildPresences = 1 << 8,

    /// <summary>Messages in guilds.</summary>
    GuildMessages = 1 << 9,

    /// <summary>Typing indicators in guilds.</summary>
    GuildMessageTyping = 1 << 11,

    /// <summary>The content of messages. Privileged.</summary>
    MessageContent = 1 << 15,

    /// <summary>The intents that must be enabled in the developer portal.</summary>
    Privileged = GuildMembers | GuildPresences | MessageContent,

    /// <summary>All bits that Discord defines: 0 to 16, 20, 21, 24 and 25.</summary>
    Known = (1 << 17) - 1 | 0b11 << 20 | 0b11 << 24,
}
