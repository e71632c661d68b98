namespace CozeCluster.Sandbox.Discord;

/// <summary>How many requests a rate-limit bucket allows per time window.</summary>
/// <param name="Requests">Requests per window, at least 1.</param>
/// <param name="Window">The length of the window, which starts with its first request.</param>
public readonly record struct BucketLimit(int Requests, TimeSpan Window);

/// <summary>Limits and timings of the fake Discord. The defaults are those of Discord, where they are known.</summary>
public sealed record DiscordSandboxOptions
{
    /// <summary>Whether requests are limited per bucket and globally. Default: true. Injected 429 responses work in both cases.</summary>
    public bool RateLimits { get; init; } = true;

    /// <summary>Requests per second and user, over all routes. Default: 50.</summary>
    public int GlobalPerSecond { get; init; } = 50;

    /// <summary>Sending messages, per user and channel. Default: 5 per 5 s (observed; Discord does not document it).</summary>
    public BucketLimit MessageCreate { get; init; } = new(5, TimeSpan.FromSeconds(5));

    /// <summary>Changing the name or topic of a channel, per user and channel. Default: 2 per 10 min (observed).</summary>
    public BucketLimit ChannelRename { get; init; } = new(2, TimeSpan.FromMinutes(10));

    /// <summary>Each other bucket. Default: 50 per second, so that only the global limit has an effect.</summary>
    public BucketLimit OtherRoutes { get; init; } = new(50, TimeSpan.FromSeconds(1));

    /// <summary>How many 401, 403 and 429 responses in ten minutes ban an address. Default: 10,000.</summary>
    public int InvalidRequestsPerTenMinutes { get; init; } = 10_000;

    /// <summary>Whether requests without a <c>User-Agent</c> get 403. Default: true.</summary>
    public bool RequireUserAgent { get; init; } = true;

    /// <summary>The limit of channels per guild, including categories and without threads. Default: 500.</summary>
    public int ChannelsPerGuild { get; init; } = 500;

    /// <summary>The limit of channels per category. Default: 50.</summary>
    public int ChannelsPerCategory { get; init; } = 50;

    /// <summary>The size limit of an uploaded file in bytes. Default: 10 MiB.</summary>
    public long FileBytes { get; init; } = 10 * 1024 * 1024;

    /// <summary>The size limit of all files of a message in bytes. Default: 25 MiB.</summary>
    public long RequestBytes { get; init; } = 25 * 1024 * 1024;

    /// <summary>How long the address of an attachment is valid. Default: a day.</summary>
    public TimeSpan AttachmentLifetime { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How long a nonce is stored for <c>enforce_nonce</c>. Default: 5 min.</summary>
    public TimeSpan NonceMemory { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How many messages are stored per channel; older ones are removed. Default: 1,000.</summary>
    public int MessagesPerChannel { get; init; } = 1_000;

    /// <summary>The heartbeat interval that Discord's gateway announces. Default: 41.25 s.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromMilliseconds(41_250);

    /// <summary><c>max_concurrency</c>: identifies per <see cref="IdentifyPace"/>. Default: 1.</summary>
    public int MaxConcurrency { get; init; } = 1;

    /// <summary>The minimum time between two identifies of a bot. Default: 5 s.</summary>
    public TimeSpan IdentifyPace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Identifies per bot and day. One more makes the bot's token invalid. Default: 1,000.</summary>
    public int SessionStartsPerDay { get; init; } = 1_000;

    /// <summary>The minimum number of shards. An identify with fewer shards closes the socket with 4011. Default: 1.</summary>
    public int RequiredShards { get; init; } = 1;

    /// <summary>How long a session without a socket can be resumed. Default: 3 min.</summary>
    public TimeSpan ResumeWindow { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>How many events per session are stored for a resume. Default: 5,000.</summary>
    public int ResumeBuffer { get; init; } = 5_000;

    /// <summary>Whether the Coze-hosted bots also answer messages from bots. Default: false.</summary>
    public bool AnswersBots { get; init; }
}
