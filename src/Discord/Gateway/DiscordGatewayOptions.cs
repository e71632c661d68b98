using System.Net;

namespace CozeCluster.Discord;

/// <summary>Which events a session gets (Discord's gateway reference, "Gateway Intents").</summary>
[Flags]
internal enum GatewayIntents
{
    None = 0,
    Guilds = 1 << 0,
    GuildMessages = 1 << 9,
    GuildMessageTyping = 1 << 11,
    DirectMessages = 1 << 12,

    /// <summary>Has to be switched on in the developer portal. Without it texts, embeds, attachments and buttons of others come empty.</summary>
    MessageContent = 1 << 15,

    /// <summary>What it takes to read replies: messages, their contents, who types.</summary>
    Replies = Guilds | GuildMessages | GuildMessageTyping | MessageContent,
}

/// <summary>How one shard of one bot listens.</summary>
/// <param name="Name">The listener's id in the fleet: for errors and logs.</param>
/// <param name="Token">The bot's token, a secret.</param>
internal sealed record DiscordGatewayOptions(string Name, string Token)
{
    /// <summary>Default: <see cref="GatewayIntents.Replies"/>.</summary>
    public GatewayIntents Intents { get; init; } = GatewayIntents.Replies;

    /// <summary>0 to <see cref="Shards"/> - 1. Default 0.</summary>
    public int Shard { get; init; }

    /// <summary>How many there are. Default 1.</summary>
    public int Shards { get; init; } = 1;

    /// <summary>The gateway's <c>ws://</c> or <c>wss://</c> address; null: the one Discord names.</summary>
    public string? Url { get; init; }

    /// <summary>Whether what comes in is compressed (<c>zlib-stream</c>). Default true.</summary>
    public bool Compress { get; init; } = true;

    /// <summary>The proxy; null: direct.</summary>
    public WebProxy? Proxy { get; init; }

    /// <summary>How long connecting and the first word of the gateway may take each. Default 20 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How many events may wait for their reader; then the socket waits too. Default 1,024.</summary>
    public int EventBuffer { get; init; } = 1024;

    /// <summary>The pause after a connection that never became ready; doubled for each further one. Sessions that broke are resumed at once. Default 1 s.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause. Default 60 s.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The shard that a guild's events go to (Discord's gateway reference, "Sharding").</summary>
    public static int ShardOf(Snowflake guild, int shards) => (int)((guild.Value >> 22) % (ulong)shards);

    /// <summary>Never the token.</summary>
    public override string ToString() => $"{Name} (shard {Shard} of {Shards})";
}
