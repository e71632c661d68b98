using System.Net;

namespace CozeCluster.Discord;

/// <summary>The events that a session receives (Discord's gateway reference, "Gateway Intents").</summary>
[Flags]
internal enum DiscordGatewayIntents
{
    None = 0,
    Guilds = 1 << 0,
    GuildMessages = 1 << 9,
    GuildMessageTyping = 1 << 11,
    DirectMessages = 1 << 12,

    /// <summary>Has to be enabled in the developer portal. Without it, texts, embeds, attachments and buttons of other users arrive empty.</summary>
    MessageContent = 1 << 15,

    /// <summary>What is needed to read replies: messages, their content, and typing.</summary>
    Replies = Guilds | GuildMessages | GuildMessageTyping | MessageContent,
}

/// <summary>How one shard of one bot connects to Discord's gateway.</summary>
/// <param name="Name">The listener's id in the fleet, for errors and logs.</param>
/// <param name="Token">The bot's token, a secret.</param>
internal sealed record DiscordGatewayOptions(string Name, string Token)
{
    /// <summary>Default: <see cref="DiscordGatewayIntents.Replies"/>.</summary>
    public DiscordGatewayIntents Intents { get; init; } = DiscordGatewayIntents.Replies;

    /// <summary>The shard number, 0 to <see cref="Shards"/> - 1. Default 0.</summary>
    public int Shard { get; init; }

    /// <summary>The number of shards. Default 1.</summary>
    public int Shards { get; init; } = 1;

    /// <summary>The <c>ws://</c> or <c>wss://</c> address of Discord's gateway; null: the address that Discord's REST API returns.</summary>
    public string? Url { get; init; }

    /// <summary>Whether Discord compresses what it sends (<c>zlib-stream</c>). Default true.</summary>
    public bool Compress { get; init; } = true;

    /// <summary>The proxy; null: a direct connection.</summary>
    public WebProxy? Proxy { get; init; }

    /// <summary>How long connecting may take, and how long the first payload may take after it. Default 20 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How many events may wait for their reader; when it is full, the socket is not read. Default 1,024.</summary>
    public int EventBuffer { get; init; } = 1024;

    /// <summary>
    /// The pause after a connection that never became ready, doubled with each further one. A session whose connection broke is resumed without a pause.
    /// Default 1 s.
    /// </summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause. Default 60 s.</summary>
    public TimeSpan MaxPause { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Does not contain the token.</summary>
    public override string ToString() => $"{Name} (shard {Shard} of {Shards})";
}

/// <summary>The address of Discord's gateway, and how often a bot may still identify (<c>GET /gateway/bot</c>).</summary>
internal sealed record DiscordGatewayBot
{
    /// <summary><c>wss://…</c></summary>
    public string Url { get; init; } = "";

    /// <summary>The number of shards that Discord recommends.</summary>
    public int Shards { get; init; } = 1;

    public SessionStartLimit SessionStartLimit { get => field ?? new SessionStartLimit(); init; }
}

/// <summary>How often a bot may identify. When a bot exceeds the limit, Discord resets its token.</summary>
internal sealed record SessionStartLimit
{
    /// <summary>Per day.</summary>
    public int Total { get; init; } = 1000;

    /// <summary>What is left of today's.</summary>
    public int Remaining { get; init; } = 1;

    /// <summary>Milliseconds until <see cref="Remaining"/> is <see cref="Total"/> again.</summary>
    public long ResetAfter { get; init; }

    /// <summary>Identifies per 5 seconds; shards whose numbers are the same modulo this value have to identify one after another.</summary>
    public int MaxConcurrency { get; init; } = 1;
}
