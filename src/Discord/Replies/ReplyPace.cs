namespace CozeCluster.Discord;

/// <summary>
/// Decides how long a silence has to be until the reply counts as complete. A bot whose replies end with buttons is waited for until they come: no silence of
/// such a bot is an end, and one that lasts as long as the bot's idle timeout is a failure. For other bots, the bot grain knows which pauses their earlier
/// replies had; the first pause of a reply is treated separately, because some bots begin with a placeholder. The silence has to last 1.4 times that pause,
/// plus 250 ms for the network. While the bot types, it is working.
/// </summary>
/// <remarks>
/// Pauses of the bot are measured by Discord's clock, because events may arrive late and together when this node is busy. How long a silence lasts is known by
/// this node's clock only; it counts from the moment in which the last change was seen, which is never too early.
/// </remarks>
/// <param name="rules">The bot's limits.</param>
/// <param name="firstWait">How long the reply may take to begin.</param>
/// <param name="idleTimeout">How long the bot may be silent before its buttons.</param>
/// <param name="countsTyping">Whether typing means that the bot works on this reply; in a shared channel it may mean another one.</param>
/// <param name="time">The clock.</param>
internal sealed class ReplyPace(DiscordReplyEnd rules, TimeSpan firstWait, TimeSpan idleTimeout, bool countsTyping, TimeProvider time)
{
    private const double Factor = 1.4;
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(250);

    /// <summary>How long Discord shows that a user types (its API reference, "Trigger Typing Indicator"), plus some time for the network.</summary>
    private static readonly TimeSpan TypingDuration = TimeSpan.FromSeconds(10.5);

    /// <summary>How much earlier than the idle timeout the wait for buttons ends, so that the channel is read once more before it is over.</summary>
    private static readonly TimeSpan MaxReadTime = TimeSpan.FromSeconds(2);

    private readonly string _id = Guid.NewGuid().ToString("n");
    private long _activityAt = time.GetTimestamp();
    private long _contentAt;
    // When the content changed last by Discord's clock; null if the last change had no time.
    private DateTimeOffset? _changedAt;
    private int _changes;
    private bool _isTyping;
    private TimeSpan? _firstGap;
    private TimeSpan? _laterGap;

    /// <summary>The bot's cadence; null: unknown.</summary>
    public ReplyCadence? Cadence { get; set; }

    /// <summary>Whether the text so far is a status text, which has no buttons.</summary>
    public bool IsStatusText { get; set; }

    /// <summary>Whether the text so far is complete, such as a status text that nothing ever follows: then the shortest silence is enough.</summary>
    public bool LooksComplete { get; set; }

    /// <summary>Whether only buttons end the reply.</summary>
    public bool WaitsForButtons => Cadence is { EndsWithButtons: true } && !IsStatusText;

    /// <summary>How long the bot may be silent before its buttons.</summary>
    public TimeSpan ButtonsWait => idleTimeout - (idleTimeout / 10 < MaxReadTime ? idleTimeout / 10 : MaxReadTime);

    /// <summary>Whether there was any content.</summary>
    public bool HasBegun => _changes > 0;

    /// <summary>How long the reply may take to begin.</summary>
    public TimeSpan FirstWait => firstWait;

    /// <summary>How long to wait from now on; zero or less: the silence is long enough.</summary>
    public TimeSpan RemainingWait
    {
        get
        {
            if (_changes == 0) return firstWait - time.GetElapsedTime(_activityAt);
            if (WaitsForButtons) return ButtonsWait - time.GetElapsedTime(Math.Max(_activityAt, _contentAt));
            var silence = RequiredSilence - IdleTime;
            var typing = _isTyping ? TypingDuration - time.GetElapsedTime(_activityAt) : TimeSpan.Zero;
            return typing > silence ? typing : silence;
        }
    }

    /// <summary>The pauses of the reply.</summary>
    public ReplySample SampleOf(ReplyEnding ending) => new(_id, _firstGap, _laterGap, WasCut: false) { Ending = ending };

    /// <summary>The pauses of the reply if it continues, although it was treated as complete.</summary>
    /// <param name="at">When it continues, by Discord's clock; null: not known.</param>
    public ReplySample CutOffSample(DateTimeOffset? at)
    {
        var gap = GapUntil(at);
        return _changes == 1
            ? new(_id, gap, null, WasCut: true)
            : new(_id, _firstGap, gap > _laterGap ? gap : _laterGap ?? gap, WasCut: true);
    }

    private TimeSpan IdleTime => time.GetElapsedTime(_contentAt);

    private TimeSpan RequiredSilence
    {
        get
        {
            if (LooksComplete) return rules.MinWait;
            if (Cadence is not { IsPaceKnown: true }) return rules.ColdWait;
            var gap = _changes == 1 ? Cadence.FirstGap : Cadence.LaterGap;
            if (_changes > 1 && _laterGap > gap) gap = _laterGap.Value;
            var wait = gap * Factor * Cadence.Widening + Slack;
            return wait < rules.MinWait ? rules.MinWait : wait > rules.MaxWait ? rules.MaxWait : wait;
        }
    }

    /// <summary>Records that the bot is working.</summary>
    public void OnActivity()
    {
        if (HasBegun && !countsTyping) return;
        _activityAt = time.GetTimestamp();
        _isTyping = true;
    }

    /// <summary>Records that the content of the reply changed.</summary>
    /// <param name="at">When it changed, by Discord's clock; null: not known.</param>
    /// <param name="isFoundByReading">Whether the change was found by reading the channel. Such a pause says nothing about the bot.</param>
    public void OnContent(DateTimeOffset? at, bool isFoundByReading = false)
    {
        if (_changes > 0 && !isFoundByReading)
        {
            var gap = GapUntil(at);
            if (_changes == 1) _firstGap = gap;
            else if (_laterGap is null || gap > _laterGap) _laterGap = gap;
        }
        _changes++;
        _contentAt = time.GetTimestamp();
        _changedAt = at;
        _isTyping = false;
    }

    private TimeSpan GapUntil(DateTimeOffset? at)
    {
        if (at is not { } end || _changedAt is not { } start) return IdleTime;
        return end > start ? end - start : TimeSpan.Zero;
    }
}
