namespace CozeCluster.Discord;

/// <summary>Where a bot's conversations are held.</summary>
public enum DiscordChannelMode
{
    /// <summary>A channel of its own for each conversation. The default.</summary>
    Fresh,

    /// <summary>A public thread of its own for each conversation, below <see cref="DiscordBotOptions.ChannelId"/>.</summary>
    Thread,

    /// <summary>All in <see cref="DiscordBotOptions.ChannelId"/>, which is never deleted.</summary>
    Fixed,

    /// <summary>All in one channel that the house makes and keeps, called <see cref="DiscordBotOptions.Name"/>.</summary>
    Named,
}

/// <summary>How a prompt of several messages becomes one text.</summary>
public enum DiscordHistory
{
    /// <summary>All messages, each headed by its role; a single message of the user's as it is. The default.</summary>
    Transcript,

    /// <summary>Only the user's last message.</summary>
    Last,

    /// <summary>All messages as a JSON array of <c>{"role","content"}</c>.</summary>
    Json,
}

/// <summary>What becomes of a prompt that is longer than a message of Discord's may be.</summary>
public enum DiscordLongPrompt
{
    /// <summary>It is sent in several messages, the bot being mentioned in the last. The default.</summary>
    Split,

    /// <summary>It is sent as a text file with a short instruction.</summary>
    File,

    /// <summary>It is refused.</summary>
    Reject,
}

/// <summary>How a bot's reply is known.</summary>
public enum DiscordRecognition
{
    /// <summary>It refers to the prompt. The default.</summary>
    Reference,

    /// <summary>It mentions the account that sent the prompt. In a channel where one account has several turns at once, these cannot be told apart.</summary>
    Mention,

    /// <summary>It is what the bot says next in the channel. Where several turns share a channel these cannot be told apart.</summary>
    Channel,
}

/// <summary>
/// What only Discord knows of a bot: <see cref="BotDefinition.Options"/>, under the names told here. Durations are a number of seconds, or written like <c>500ms</c>, <c>10s</c>,
/// <c>2m</c>, <c>1h</c>, <c>1d</c>.
/// </summary>
public sealed record DiscordBotOptions
{
    /// <summary>Option <c>listener</c>, required: the id of the listener that hears the bot and makes channels.</summary>
    public string Listener { get; init; } = "";

    /// <summary>Option <c>channel</c>: <c>fresh</c>, <c>thread</c>, <c>fixed</c> or <c>named</c>.</summary>
    public DiscordChannelMode Channel { get; init; }

    /// <summary>Option <c>channel_id</c>, required for <c>fixed</c> and <c>thread</c> and of no use otherwise: a snowflake.</summary>
    public string? ChannelId { get; init; }

    /// <summary>Option <c>category_id</c>, for <c>fresh</c> and <c>named</c>: the category that channels are made in; Discord takes 50 in one, more go beside it.</summary>
    public string? CategoryId { get; init; }

    /// <summary>
    /// Option <c>category</c>, in place of <c>category_id</c>, 1 to 90 characters: the name of the category that channels are made in. It is made if it is not there; where it is full,
    /// channels go on in "name 2", "name 3" and so on.
    /// </summary>
    public string? Category { get; init; }

    /// <summary>Option <c>name</c>, 1 to 80 characters: what made channels are called, before what makes them unique. Default <c>chat</c>.</summary>
    public string Name { get; init; } = "chat";

    /// <summary>Option <c>delete_after</c>, 0 to 7 days or <c>never</c> (null): how long a channel stays after its only turn. Default 5 s.</summary>
    public TimeSpan? DeleteAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Option <c>keep_for</c>, 1 minute to 365 days: how long a channel stays after the last turn of a named conversation. After that the conversation goes on in a new one, which is told
    /// the history. Default 7 days.
    /// </summary>
    public TimeSpan KeepFor { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Option <c>history</c>: <c>transcript</c>, <c>last</c> or <c>json</c>.</summary>
    public DiscordHistory History { get; init; }

    /// <summary>Option <c>long</c>: <c>split</c>, <c>file</c> or <c>reject</c>.</summary>
    public DiscordLongPrompt Long { get; init; }

    /// <summary>Option <c>recognise</c>: <c>reference</c>, <c>mention</c> or <c>channel</c>.</summary>
    public DiscordRecognition Recognise { get; init; }

    /// <summary>When a reply has ended.</summary>
    public DiscordReplyEnd End { get; init; } = new();

    /// <summary>Option <c>daily_reset</c>, <c>09:00+08:00</c>: when Coze lifts daily limits, with the distance from UTC. Default 9 o'clock in Beijing.</summary>
    public DailyReset DailyReset { get; init; } = DailyReset.Default;

    /// <summary>Whether a conversation has its channel to itself.</summary>
    public bool HasOwnChannel => Channel is DiscordChannelMode.Fresh or DiscordChannelMode.Thread;

    /// <summary>Reads options.</summary>
    /// <param name="options">Names and values as the fleet has them.</param>
    /// <param name="parsed">What they say, without those that are wrong.</param>
    /// <param name="errors">For each option that is wrong or missing, what was expected.</param>
    /// <returns>Whether all are right.</returns>
    public static bool TryParse(IReadOnlyDictionary<string, string> options, out DiscordBotOptions parsed, out IReadOnlyDictionary<string, string> errors) =>
        new DiscordBotOptionsReader(options).Read(out parsed, out errors);

    /// <summary>A bot's options.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamInvalidRequest"/>: some are wrong; names them all.</exception>
    public static DiscordBotOptions Of(BotDefinition bot) => TryParse(bot.Options, out var parsed, out var errors)
        ? parsed
        : throw new ClusterException(
            ErrorCode.UpstreamInvalidRequest, $"Bot '{bot.Id}' has wrong options: {string.Join("; ", errors.Select(error => $"{error.Key}: {error.Value}"))}.");
}

/// <summary>When a reply is taken for ended: at once when its buttons come, else after a silence.</summary>
public sealed record DiscordReplyEnd
{
    /// <summary>Option <c>end.first_wait</c>, 1 s to 1 hour: how long the reply may take to begin. Null, the default: the bot's time-out for the first byte.</summary>
    public TimeSpan? FirstWait { get; init; }

    /// <summary>Option <c>end.cold_wait</c>, 0.1 s to 10 minutes: the silence that ends a reply while the bot's cadence is not known. Default 10 s.</summary>
    public TimeSpan ColdWait { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Option <c>end.min_wait</c>, 0.1 s to 10 minutes: the shortest silence that ends a reply once the cadence is known. Default 0.8 s.</summary>
    public TimeSpan MinWait { get; init; } = TimeSpan.FromSeconds(0.8);

    /// <summary>Option <c>end.max_wait</c>, not less than <c>end.min_wait</c>: the longest such silence. Default 30 s.</summary>
    public TimeSpan MaxWait { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>When Coze's daily limits are lifted.</summary>
/// <param name="At">Time of day.</param>
/// <param name="Offset">From UTC.</param>
public sealed record DailyReset(TimeOnly At, TimeSpan Offset)
{
    /// <summary>9 o'clock in Beijing, as operators have observed.</summary>
    public static DailyReset Default { get; } = new(new TimeOnly(9, 0), TimeSpan.FromHours(8));

    /// <summary>The first reset after <paramref name="now"/>.</summary>
    public DateTimeOffset Next(DateTimeOffset now)
    {
        var local = now.ToOffset(Offset);
        var today = new DateTimeOffset(local.Date + At.ToTimeSpan(), Offset);
        return today > now ? today : today.AddDays(1);
    }
}
