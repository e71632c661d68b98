namespace CozeCluster;

/// <summary>One message to post. Posting is idempotent on <see cref="Nonce"/>.</summary>
[GenerateSerializer, Immutable, Alias("discord-post")]
public sealed record DiscordPost
{
    /// <summary>The channel or thread.</summary>
    [Id(0)]
    public required string ChannelId { get; init; }

    /// <summary>At most 2,000 UTF-16 units, mentions included.</summary>
    [Id(1)]
    public required string Text { get; init; }

    /// <summary>1 to 25 characters; the same for every try.</summary>
    [Id(2)]
    public required string Nonce { get; init; }

    /// <summary>Users who may be pinged; nobody else is.</summary>
    [Id(3)]
    public IReadOnlyList<string> Mentions { get => field ?? []; init; }

    /// <summary>Files to upload with it, at most 10.</summary>
    [Id(4)]
    public IReadOnlyList<BlobRef> Files { get => field ?? []; init; }
}

/// <summary>What became of a post.</summary>
/// <param name="MessageId">Snowflake of the message.</param>
/// <param name="ChannelId">The channel.</param>
/// <param name="AuthorId">Snowflake of the account's user; null if Discord did not include it.</param>
[GenerateSerializer, Immutable, Alias("discord-posted")]
public sealed record DiscordPosted(string MessageId, string ChannelId, string? AuthorId = null);

/// <summary>A channel to make for a conversation.</summary>
/// <param name="Owner">Minted by the caller (the turn id): asking twice gives the same channel.</param>
/// <param name="Name">1 to 90 characters; the janitor appends what makes it unique.</param>
/// <param name="ParentId">Category, or for a thread the channel it hangs on; null: none.</param>
/// <param name="IsThread">A public thread instead of a channel.</param>
/// <param name="Lifetime">How long it is kept if it is not mentioned again.</param>
/// <param name="Category">Name of the category to put it in, which is found or made; then there is no <paramref name="ParentId"/>. Null: none.</param>
[GenerateSerializer, Immutable, Alias("discord-channel-request")]
public sealed record DiscordChannelRequest(string Owner, string Name, string? ParentId, bool IsThread, TimeSpan Lifetime, string? Category = null);

/// <summary>Which category is wanted.</summary>
/// <param name="ListenerId">The listener that looks for it and makes it.</param>
/// <param name="Name">Its name, 1 to 90 characters.</param>
/// <param name="Full">Snowflakes of those that took no channel more.</param>
[GenerateSerializer, Immutable, Alias("discord-category-request")]
public sealed record DiscordCategoryRequest(string ListenerId, string Name, IReadOnlyList<string> Full);

/// <summary>A channel, category or thread.</summary>
/// <param name="Id">Snowflake.</param>
/// <param name="Name">Its name.</param>
/// <param name="ParentId">Its category, or the channel a thread hangs on.</param>
/// <param name="Kind">Discord's channel type: 0 text, 4 category, 11 public thread.</param>
/// <param name="Topic">What it is about; null for threads. Channels of ours bear the janitor's mark there.</param>
[GenerateSerializer, Immutable, Alias("discord-channel-info")]
public sealed record DiscordChannelInfo(string Id, string Name, string? ParentId, int Kind, string? Topic);

/// <summary>The state of a listener's connection.</summary>
/// <param name="State"><c>ready</c>, <c>connecting</c>, <c>waiting</c> or <c>failed</c>.</param>
/// <param name="Reason">Why it is not ready, for operators.</param>
/// <param name="Since">Since when.</param>
[GenerateSerializer, Immutable, Alias("discord-session-health")]
public sealed record DiscordSessionHealth(string State, string? Reason, DateTimeOffset Since);
