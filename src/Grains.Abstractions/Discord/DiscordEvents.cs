namespace CozeCluster;

/// <summary>Something that happened on Discord, as far as conversations care.</summary>
[GenerateSerializer, Immutable, Alias("discord-event")]
public abstract record DiscordEvent;

/// <summary>The current form of a message that was created or edited. Events carry the whole message each time.</summary>
[GenerateSerializer, Immutable, Alias("discord-message-seen")]
public sealed record DiscordMessageSeen : DiscordEvent
{
    /// <summary>Snowflake of the message.</summary>
    [Id(0)]
    public required string Id { get; init; }

    /// <summary>Snowflake of the channel or thread.</summary>
    [Id(1)]
    public required string ChannelId { get; init; }

    /// <summary>Snowflake of the author; null where an update did not include it.</summary>
    [Id(2)]
    public string? AuthorId { get; init; }

    /// <summary>The text: <c>content</c>, or the text displays of Components V2, and below it that of embeds; null where an update did not include it.</summary>
    [Id(3)]
    public string? Text { get; init; }

    /// <summary>Snowflake of the message it refers to.</summary>
    [Id(4)]
    public string? RepliesTo { get; init; }

    /// <summary>Snowflakes of the users it mentions.</summary>
    [Id(5)]
    public IReadOnlyList<string> Mentions { get => field ?? []; init; }

    /// <summary>Pictures and files, from embeds and attachments, in order; null where an update did not include it.</summary>
    [Id(6)]
    public IReadOnlyList<DiscordMediaSeen>? Media { get; init; }

    /// <summary>Labels of its buttons: what the bot suggests to ask next.</summary>
    [Id(7)]
    public IReadOnlyList<string> Suggestions { get => field ?? []; init; }

    /// <summary>Whether it has buttons of any kind; Coze's bots add them when a reply is whole.</summary>
    [Id(8)]
    public bool HasButtons { get; init; }

    /// <summary>Whether the author is "thinking": a reply that has not begun (message flag LOADING, 1 &lt;&lt; 7).</summary>
    [Id(9)]
    public bool IsLoading { get; init; }

    /// <summary>When it was last edited; null if never.</summary>
    [Id(10)]
    public DateTimeOffset? EditedAt { get; init; }
}

/// <summary>A picture or file of a message.</summary>
/// <param name="Id">Unique in the message, and the same in every edit of it.</param>
/// <param name="Url">Signed by Discord; expires.</param>
/// <param name="Name">File name, or the embed's title.</param>
/// <param name="IsImage">Whether it is a picture.</param>
[GenerateSerializer, Immutable, Alias("discord-media-seen")]
public sealed record DiscordMediaSeen(string Id, string Url, string Name, bool IsImage);

/// <summary>A message was deleted.</summary>
[GenerateSerializer, Immutable, Alias("discord-message-gone")]
public sealed record DiscordMessageGone(string Id, string ChannelId) : DiscordEvent;

/// <summary>Somebody types; lasts about 10 s.</summary>
[GenerateSerializer, Immutable, Alias("discord-typing")]
public sealed record DiscordTyping(string ChannelId, string UserId) : DiscordEvent;

/// <summary>The session was lost and events with it: whoever waits for some reads again by REST.</summary>
[GenerateSerializer, Immutable, Alias("discord-events-missed")]
public sealed record DiscordEventsMissed : DiscordEvent;

/// <summary>What a watcher wants to receive.</summary>
/// <param name="Id">Minted by the watcher; a second watch of the same id replaces the first.</param>
/// <param name="ChannelId">The channel or thread.</param>
/// <param name="AuthorId">Only messages and typing of this user.</param>
[GenerateSerializer, Immutable, Alias("discord-watch")]
public sealed record DiscordWatch(string Id, string ChannelId, string AuthorId);
