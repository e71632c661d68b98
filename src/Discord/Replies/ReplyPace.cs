namespace CozeCluster.Discord;

/// <summary>
/// Decides how long a silence has to be for a reply to have ended. Pauses hardly ever exceeded are learnt from earlier replies of the bot, apart for the first pause of a reply, in which
/// placeholders stand; half as much again and a little for the network is waited. A bot that types is at work.
/// </summary>
/// <param name="rules">The bot's limits.</param>
/// <param name="firstWait">How long the reply may take to begin.</param>
/// <param name="countsTyping">Whether typing is about this reply; in a shared channel nobody knows.</param>
/// <param name="time">The clock.</param>
internal sealed class ReplyPace(DiscordReplyEnd rules, TimeSpan firstWait, bool countsTyping, TimeProvider time)
{
    private const double Factor = 1.4;
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(250);

    /// <summary>How long a typing indicator holds (Discord's API reference, "Trigger Typing Indicator"), and some for the network.</summary>
    private static readonly TimeSpan TypingLasts = TimeSpan.FromSeconds(10.5);

    private readonly string _id = Guid.NewGuid().ToString("n");
    private long _sign = time.GetTimestamp();
    private long _change;
    private int _changes;
    private bool _isTyping;
    private TimeSpan? _firstGap;
    private TimeSpan? _laterGap;

    /// <summary>What is known of the bot's replies; null: nothing.</summary>
    public ReplyCadence? Cadence { get; set; }

    /// <summary>Whether what there is would be a whole reply of its kind, such as a notice: then no more than the shortest silence is waited.</summary>
    public bool LooksWhole { get; set; }

    /// <summary>Whether anything came.</summary>
    public bool HasBegun => _changes > 0;

    /// <summary>Time since the last change.</summary>
    public TimeSpan Quiet => time.GetElapsedTime(_change);

    /// <summary>How long to wait from now on; zero or less: the silence was long enough.</summary>
    public TimeSpan Left
    {
        get
        {
            if (_changes == 0) return firstWait - time.GetElapsedTime(_sign);
            var left = Wait - Quiet;
            var typing = _isTyping ? TypingLasts - time.GetElapsedTime(_sign) : TimeSpan.Zero;
            return typing > left ? typing : left;
        }
    }

    /// <summary>How long a reply may take to begin.</summary>
    public TimeSpan FirstWait => firstWait;

    /// <summary>The silence that ends the reply as it stands.</summary>
    public TimeSpan Wait
    {
        get
        {
            if (LooksWhole) return rules.MinWait;
            if (Cadence is null) return rules.ColdWait;
            var gap = _changes == 1 ? Cadence.FirstGap : Cadence.LaterGap;
            if (_changes > 1 && _laterGap > gap) gap = _laterGap.Value;
            var wait = gap * Factor * Cadence.Widening + Slack;
            return wait < rules.MinWait ? rules.MinWait : wait > rules.MaxWait ? rules.MaxWait : wait;
        }
    }

    /// <summary>How the reply came in.</summary>
    public ReplySample Sample => new(_id, _firstGap, _laterGap, WasCut: false);

    /// <summary>The same, if it went on now though it was taken for ended.</summary>
    public ReplySample CutSample => _changes == 1
        ? new(_id + ".cut", Quiet, null, WasCut: true)
        : new(_id + ".cut", _firstGap, Quiet > _laterGap ? Quiet : _laterGap ?? Quiet, WasCut: true);

    /// <summary>The bot shows that it is at work.</summary>
    public void Sign()
    {
        if (HasBegun && !countsTyping) return;
        _sign = time.GetTimestamp();
        _isTyping = true;
    }

    /// <summary>The reply changed.</summary>
    /// <param name="isFound">Whether that was read rather than heard of; such pauses teach nothing.</param>
    public void Changed(bool isFound = false)
    {
        var now = time.GetTimestamp();
        if (_changes > 0 && !isFound)
        {
            var gap = time.GetElapsedTime(_change, now);
            if (_changes == 1) _firstGap = gap;
            else if (_laterGap is null || gap > _laterGap) _laterGap = gap;
        }
        _changes++;
        _change = now;
        _isTyping = false;
    }
}
