namespace CozeCluster.Discord;

/// <summary>
/// Decides how long a silence has to be until the reply counts as complete. The bot grain knows which pauses earlier replies of the bot hardly ever exceeded;
/// the first pause of a reply is treated separately, because some bots begin with a placeholder. The silence has to last 1.4 times that pause, plus 250 ms for
/// the network. While the bot types, it is working.
/// </summary>
/// <param name="rules">The bot's limits.</param>
/// <param name="firstWait">How long the reply may take to begin.</param>
/// <param name="countsTyping">Whether typing means that the bot works on this reply; in a shared channel it may mean another one.</param>
/// <param name="time">The clock.</param>
internal sealed class ReplyPace(DiscordReplyEnd rules, TimeSpan firstWait, bool countsTyping, TimeProvider time)
{
    private const double Factor = 1.4;
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(250);

    /// <summary>How long Discord shows that a user types (its API reference, "Trigger Typing Indicator"), plus some time for the network.</summary>
    private static readonly TimeSpan TypingDuration = TimeSpan.FromSeconds(10.5);

    private readonly string _id = Guid.NewGuid().ToString("n");
    private long _activityAt = time.GetTimestamp();
    private long _contentAt;
    private int _changes;
    private bool _isTyping;
    private TimeSpan? _firstGap;
    private TimeSpan? _laterGap;

    /// <summary>The bot's cadence; null: unknown.</summary>
    public ReplyCadence? Cadence { get; set; }

    /// <summary>Whether the text so far is a complete reply of its kind, such as a status text: then the shortest silence is enough.</summary>
    public bool LooksComplete { get; set; }

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
            var silence = RequiredSilence - IdleTime;
            var typing = _isTyping ? TypingDuration - time.GetElapsedTime(_activityAt) : TimeSpan.Zero;
            return typing > silence ? typing : silence;
        }
    }

    /// <summary>The pauses of the reply.</summary>
    public ReplySample Sample => new(_id, _firstGap, _laterGap, WasCut: false);

    /// <summary>The pauses of the reply if it continues now, although it was treated as complete.</summary>
    public ReplySample CutOffSample => _changes == 1
        ? new(_id + ".cut", IdleTime, null, WasCut: true)
        : new(_id + ".cut", _firstGap, IdleTime > _laterGap ? IdleTime : _laterGap ?? IdleTime, WasCut: true);

    private TimeSpan IdleTime => time.GetElapsedTime(_contentAt);

    private TimeSpan RequiredSilence
    {
        get
        {
            if (LooksComplete) return rules.MinWait;
            if (Cadence is null) return rules.ColdWait;
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
    /// <param name="isFoundByReading">Whether the change was found by reading the channel. Such a pause says nothing about the bot.</param>
    public void OnContent(bool isFoundByReading = false)
    {
        var now = time.GetTimestamp();
        if (_changes > 0 && !isFoundByReading)
        {
            var gap = time.GetElapsedTime(_contentAt, now);
            if (_changes == 1) _firstGap = gap;
            else if (_laterGap is null || gap > _laterGap) _laterGap = gap;
        }
        _changes++;
        _contentAt = now;
        _isTyping = false;
    }
}
