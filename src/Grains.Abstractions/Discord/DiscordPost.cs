namespace CozeCluster;

/// <summary>One message to post. Posting is idempotent on <see cref="Nonce"/>.</summary>
[GenerateSerializer, Immutable, Alias("discord-post")]
public sealed record DiscordPost
{
    /// <summary>Snowflake of the channel or thread.</summary>
    [Id(0)]
    public required string ChannelId { get; init; }

    /// <summary>At most 2,000 UTF-16 code units, mentions included.</summary>
    [Id(1)]
    public required string Text { get; init; }

    /// <summary>1 to 25 characters; the same for every attempt to post this message.</summary>
    [Id(2)]
    public required string Nonce { get; init; }

    /// <summary>Snowflakes of the users that the message may notify; it notifies no other user.</summary>
    [Id(3)]
    public IReadOnlyList<string> Mentions { get => field ?? []; init; }

    /// <summary>Files to upload with the message, at most 10.</summary>
    [Id(4)]
    public IReadOnlyList<BlobRef> Files { get => field ?? []; init; }
}

/// <summary>A message that was posted.</summary>
/// <param name="MessageId">Snowflake of the message.</param>
/// <param name="ChannelId">Snowflake of the channel or thread.</param>
/// <param name="AuthorId">Snowflake of the account's user; null if Discord did not include it.</param>
[GenerateSerializer, Immutable, Alias("discord-posted")]
public sealed record DiscordPosted(string MessageId, string ChannelId, string? AuthorId = null);
