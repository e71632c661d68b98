namespace CozeCluster.Discord;

/// <summary>An event on Discord that a watch delivers.</summary>
[GenerateSerializer, Immutable, Alias("discord-event")]
public abstract record DiscordEvent;

/// <summary>A message that was created or edited, in its current form.</summary>
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

    /// <summary>
    /// The text: <c>content</c> or the text displays of Components V2, followed by the text of embeds; null where an update did not include it.
    /// </summary>
    [Id(3)]
    public string? Text { get; init; }

    /// <summary>Snowflake of the message that this one replies to; null: none.</summary>
    [Id(4)]
    public string? RepliesTo { get; init; }

    /// <summary>Snowflakes of the users that the message mentions.</summary>
    [Id(5)]
    public IReadOnlyList<string> Mentions { get => field ?? []; init; }

    /// <summary>Pictures and files from attachments, embeds and components, in order; null where an update did not include them.</summary>
    [Id(6)]
    public IReadOnlyList<DiscordMediaSeen>? Media { get; init; }

    /// <summary>Labels of the message's buttons: the questions that the bot suggests to ask next.</summary>
    [Id(7)]
    public IReadOnlyList<string> Suggestions { get => field ?? []; init; }

    /// <summary>Whether the message has buttons of any kind. Coze's bots add them when a reply is complete.</summary>
    [Id(8)]
    public bool HasButtons { get; init; }

    /// <summary>Whether Discord shows the author as "thinking": the reply has not begun (message flag LOADING, 1 &lt;&lt; 7).</summary>
    [Id(9)]
    public bool IsLoading { get; init; }

    /// <summary>When the message was last edited; null if never.</summary>
    [Id(10)]
    public DateTimeOffset? EditedAt { get; init; }
}

/// <summary>A picture or file of a message.</summary>
/// <param name="Id">Unique in the message, and the same in every edit of it.</param>
/// <param name="Url">Its address. Discord signs addresses, and they expire.</param>
/// <param name="Name">The file name, or the embed's title.</param>
/// <param name="IsImage">Whether it is a picture.</param>
[GenerateSerializer, Immutable, Alias("discord-media-seen")]
public sealed record DiscordMediaSeen(string Id, string Url, string Name, bool IsImage);

/// <summary>A message was deleted.</summary>
[GenerateSerializer, Immutable, Alias("discord-message-gone")]
public sealed record DiscordMessageDeleted(string Id, string ChannelId) : DiscordEvent;

/// <summary>A user began to type. Discord shows this for about 10 s.</summary>
[GenerateSerializer, Immutable, Alias("discord-typing")]
public sealed record DiscordTyping(string ChannelId, string UserId) : DiscordEvent;

/// <summary>Events may have been lost, because the session was lost or the observer was too slow: the observer reads the channel over REST.</summary>
[GenerateSerializer, Immutable, Alias("discord-events-missed")]
public sealed record DiscordEventsMissed : DiscordEvent;
