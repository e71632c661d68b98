namespace CozeCluster.Discord;

/// <summary>Which channels a bot's conversations use.</summary>
public enum DiscordChannelMode
{
    /// <summary>A new channel for each conversation. The default.</summary>
    Fresh,

    /// <summary>A new public thread for each conversation, in <see cref="DiscordBotOptions.ChannelId"/>.</summary>
    Thread,

    /// <summary>All conversations use <see cref="DiscordBotOptions.ChannelId"/>, which is never deleted.</summary>
    Fixed,

    /// <summary>All conversations use one channel that is created and kept, with the name <see cref="DiscordBotOptions.Name"/>.</summary>
    Named,
}

/// <summary>How a prompt of several messages becomes one text.</summary>
public enum DiscordHistory
{
    /// <summary>All messages, each after its role; a single user message is sent as it is. The default.</summary>
    Transcript,

    /// <summary>Only the last user message.</summary>
    Last,

    /// <summary>All messages as a JSON array of <c>{"role","content"}</c>.</summary>
    Json,
}

/// <summary>How a prompt is sent that is longer than a Discord message may be.</summary>
public enum DiscordLongPrompt
{
    /// <summary>In several messages, the last of which mentions the bot. The default.</summary>
    Split,

    /// <summary>As a text file with a short instruction.</summary>
    File,

    /// <summary>Not at all: the turn fails.</summary>
    Reject,
}

/// <summary>How a bot's reply is recognized.</summary>
public enum DiscordRecognition
{
    /// <summary>It replies to the prompt. The default.</summary>
    Reference,

    /// <summary>It mentions the account that posted the prompt. If one account has several turns in a channel, their replies cannot be told apart.</summary>
    Mention,

    /// <summary>It is the bot's next message in the channel. If a channel has several turns, their replies cannot be told apart.</summary>
    Channel,
}

/// <summary>
/// Options of a bot that only Discord has: <see cref="BotDefinition.Options"/>, under the names given here. A duration is a number of seconds, or written like
/// <c>500ms</c>, <c>10s</c>,
/// <c>2m</c>, <c>1h</c>, <c>1d</c>.
/// </summary>
public sealed record DiscordBotOptions
{
    /// <summary>Option <c>listener</c>, required: the id of the listener that receives the bot's messages and creates channels.</summary>
    public string Listener { get; init; } = "";

    /// <summary>Option <c>channel</c>: <c>fresh</c>, <c>thread</c>, <c>fixed</c> or <c>named</c>.</summary>
    public DiscordChannelMode Channel { get; init; }

    /// <summary>Option <c>channel_id</c>, a snowflake; required for <c>fixed</c> and <c>thread</c>, and not allowed otherwise.</summary>
    public string? ChannelId { get; init; }

    /// <summary>
    /// Option <c>category_id</c>, for <c>fresh</c> and <c>named</c>: the category that channels are created in. Discord allows 50 channels in a category;
    /// further ones are created outside of it.
    /// </summary>
    public string? CategoryId { get; init; }

    /// <summary>
    /// Option <c>category</c>, instead of <c>category_id</c>, 1 to 90 characters: the name of the category that channels are created in. A missing category is
    /// created. If it is full, channels are created in "name 2", "name 3" and so on.
    /// </summary>
    public string? Category { get; init; }

    /// <summary>Option <c>name</c>, 1 to 80 characters: the beginning of the names of created channels, before a unique suffix. Default <c>chat</c>.</summary>
    public string Name { get; init; } = "chat";

    /// <summary>Option <c>delete_after</c>, 0 to 7 days or <c>never</c> (null): how long a channel is kept after its only turn. Default 5 s.</summary>
    public TimeSpan? DeleteAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Option <c>keep_for</c>, 1 minute to 365 days: how long a channel is kept after the last turn of a named conversation. Later turns use a new channel, and
    /// their prompt contains the history. Default 7 days.
    /// </summary>
    public TimeSpan KeepFor { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Option <c>history</c>: <c>transcript</c>, <c>last</c> or <c>json</c>.</summary>
    public DiscordHistory History { get; init; }

    /// <summary>Option <c>long</c>: <c>split</c>, <c>file</c> or <c>reject</c>.</summary>
    public DiscordLongPrompt Long { get; init; }

    /// <summary>Option <c>recognise</c>: <c>reference</c>, <c>mention</c> or <c>channel</c>.</summary>
    public DiscordRecognition Recognise { get; init; }

    /// <summary>When a reply counts as complete.</summary>
    public DiscordReplyEnd End { get; init; } = new();

    /// <summary>Option <c>daily_reset</c>, <c>09:00+08:00</c>: when Coze's daily limits end, with the offset from UTC. Default 9 o'clock in Beijing.</summary>
    public DailyReset DailyReset { get; init; } = DailyReset.Default;

    /// <summary>Option <c>tokens</c>: <c>cl100k</c>, <c>o200k</c> or <c>off</c>.</summary>
    public DiscordTokens Tokens { get; init; }

    /// <summary>
    /// Option <c>answers_bots</c>, <c>true</c> or <c>false</c>: whether the bot answers accounts of kind <c>bot</c>, which bots that Coze hosts do not. Then
    /// nobody is warned of a bot that has only such accounts. Default false.
    /// </summary>
    public bool AnswersBots { get; init; }

    /// <summary>Reads options.</summary>
    /// <param name="options">Names and values as in the fleet.</param>
    /// <param name="parsed">The options, with defaults instead of those that are wrong.</param>
    /// <param name="errors">For each option that is wrong or missing, what was expected.</param>
    /// <returns>Whether all options are valid.</returns>
    public static bool TryParse(IReadOnlyDictionary<string, string> options, out DiscordBotOptions parsed, out IReadOnlyDictionary<string, string> errors) =>
        new DiscordBotOptionsReader(options).Read(out parsed, out errors);

    /// <summary>Reads the options of a bot.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamInvalidRequest"/>: some options are wrong; the message lists all of them.</exception>
    public static DiscordBotOptions Of(BotDefinition bot) => TryParse(bot.Options, out var parsed, out var errors)
        ? parsed
        : throw new ClusterException(
            ErrorCode.UpstreamInvalidRequest,
            $"The Discord bot '{bot.Id}' has wrong options: {string.Join("; ", errors.Select(error => $"{error.Key}: {error.Value}"))}.");
}

/// <summary>When a reply counts as complete: at once when the bot adds its buttons, else after a silence.</summary>
public sealed record DiscordReplyEnd
{
    /// <summary>
    /// Option <c>end.first_wait</c>, 1 s to 1 hour: how long the reply may take to begin. Null, the default: the bot's timeout for the first byte.
    /// </summary>
    public TimeSpan? FirstWait { get; init; }

    /// <summary>Option <c>end.cold_wait</c>, 0.1 s to 10 minutes: the silence that ends a reply while the bot's cadence is unknown. Default 20 s.</summary>
    public TimeSpan ColdWait { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Option <c>end.min_wait</c>, 0.1 s to 10 minutes: the shortest silence that ends a reply once the cadence is known. Default 0.8 s.</summary>
    public TimeSpan MinWait { get; init; } = TimeSpan.FromSeconds(0.8);

    /// <summary>Option <c>end.max_wait</c>, not less than <c>end.min_wait</c>: the longest such silence. Default 30 s.</summary>
    public TimeSpan MaxWait { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>When Coze's daily limits end.</summary>
/// <param name="At">Time of day.</param>
/// <param name="Offset">Offset from UTC.</param>
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
