namespace CozeCluster.Sandbox.Discord;

/// <summary>How many requests one rate-limit bucket takes per window.</summary>
/// <param name="Requests">Requests per window, at least 1.</param>
/// <param name="Window">Length of the window, which starts with its first request.</param>
public readonly record struct BucketLimit(int Requests, TimeSpan Window);

/// <summary>How strict the fake Discord is. The defaults are Discord's own numbers where they are known.</summary>
public sealed record DiscordSandboxOptions
{
    /// <summary>Whether requests are limited per bucket and globally. Default: true. Forced 429s work either way.</summary>
    public bool RateLimits { get; init; } = true;

    /// <summary>Requests per second and user over all routes. Default: 50.</summary>
    public int GlobalPerSecond { get; init; } = 50;

    /// <summary>Sending messages, per user and channel. Default: 5 per 5 s (observed, not promised by Discord).</summary>
    public BucketLimit MessageCreate { get; init; } = new(5, TimeSpan.FromSeconds(5));

    /// <summary>Changing a channel's name or topic, per user and channel. Default: 2 per 10 min (observed).</summary>
    public BucketLimit ChannelRename { get; init; } = new(2, TimeSpan.FromMinutes(10));

    /// <summary>Every other bucket. Default: 50 per second, so that only the global limit is felt.</summary>
    public BucketLimit OtherRoutes { get; init; } = new(50, TimeSpan.FromSeconds(1));

    /// <summary>How many 401, 403 and 429 answers in ten minutes ban the address. Default: 10,000.</summary>
    public int InvalidRequestsPerTenMinutes { get; init; } = 10_000;

    /// <summary>Whether a request without a <c>User-Agent</c> is blocked with 403. Default: true.</summary>
    public bool RequireUserAgent { get; init; } = true;

    /// <summary>Channels and categories in one guild, threads not counted. Default: 500.</summary>
    public int ChannelsPerGuild { get; init; } = 500;

    /// <summary>Channels in one category. Default: 50.</summary>
    public int ChannelsPerCategory { get; init; } = 50;

    /// <summary>Bytes in one uploaded file. Default: 10 MiB.</summary>
    public long FileBytes { get; init; } = 10 * 1024 * 1024;

    /// <summary>Bytes in all files of one message. Default: 25 MiB.</summary>
    public long RequestBytes { get; init; } = 25 * 1024 * 1024;

    /// <summary>How long an attachment URL works. Default: a day.</summary>
    public TimeSpan AttachmentLifetime { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How long a nonce is remembered for <c>enforce_nonce</c>. Default: 5 min.</summary>
    public TimeSpan NonceMemory { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Messages kept per channel; older ones are forgotten. Default: 1,000.</summary>
    public int MessagesPerChannel { get; init; } = 1_000;

    /// <summary>The heartbeat interval the gateway announces. Default: 41.25 s.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromMilliseconds(41_250);

    /// <summary>Identifies per <see cref="IdentifyPace"/>. Default: 1.</summary>
    public int MaxConcurrency { get; init; } = 1;

    /// <summary>How far apart identifies of one bot have to be. Default: 5 s.</summary>
    public TimeSpan IdentifyPace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Identifies per bot and day; one more resets the bot's token. Default: 1,000.</summary>
    public int SessionStartsPerDay { get; init; } = 1_000;

    /// <summary>The shard count below which an identify closes with 4011. Default: 1.</summary>
    public int RequiredShards { get; init; } = 1;

    /// <summary>How long a session without a socket can be resumed. Default: 3 min.</summary>
    public TimeSpan ResumeWindow { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>Events kept per session for a resume. Default: 5,000.</summary>
    public int ResumeBuffer { get; init; } = 5_000;

    /// <summary>Whether the Coze-hosted bots also answer messages of bots. Default: false.</summary>
    public bool AnswersBots { get; init; }
}
