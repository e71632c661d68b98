namespace CozeCluster.Grains;

/// <summary>Measures what a turn waits for, with timestamps alone. Of a turn that another activation has begun, it knows nothing.</summary>
internal sealed class TurnPace(TimeProvider time)
{
    private readonly long _acceptedAt = time.GetTimestamp();
    private int _opened;
    private long _openedAt;
    private long _firstTextAt;
    private long _lastReadAt;
    private int _reads;

    /// <summary>The upstream of the last attempt; null if none was sent.</summary>
    public string? Upstream { get; private set; }

    /// <summary>The wait behind other turns of the conversation; null while the turn waits.</summary>
    public TimeSpan? Queued { get; private set; }

    /// <summary>From the request of the last attempt to its first text; null without text.</summary>
    public TimeSpan? UpstreamFirstText => _firstTextAt == 0 ? null : time.GetElapsedTime(_openedAt, _firstTextAt);

    /// <summary>From the acceptance of the turn to its first text; null without text.</summary>
    public TimeSpan? FirstText => _firstTextAt == 0 ? null : time.GetElapsedTime(_acceptedAt, _firstTextAt);

    /// <summary>The mean time between the pieces in which the reply arrived; null for a reply in one piece.</summary>
    public TimeSpan? BetweenDeltas => _reads < 2 ? null : time.GetElapsedTime(_firstTextAt, _lastReadAt) / (_reads - 1);

    /// <summary>The time since the last attempt was sent; null if none was.</summary>
    public TimeSpan? SinceOpened => _openedAt == 0 ? null : time.GetElapsedTime(_openedAt);

    /// <summary>See <see cref="ReplyBatch.Timing"/>: a turn of several attempts has waited for other things as well.</summary>
    public TurnTiming? Timing => _opened == 1 && Queued is { } queued && UpstreamFirstText is { } firstText ? new(Upstream!, queued, firstText) : null;

    /// <summary>The turn begins to run.</summary>
    public void Run() => Queued = time.GetElapsedTime(_acceptedAt);

    /// <summary>The prompt is sent.</summary>
    public void Open(string upstream)
    {
        (Upstream, _openedAt, _firstTextAt, _reads) = (upstream, time.GetTimestamp(), 0, 0);
        _opened++;
    }

    /// <summary>The first text has arrived.</summary>
    public void ReadFirstText()
    {
        if (_openedAt != 0) _firstTextAt = time.GetTimestamp();
    }

    /// <summary>A piece of the reply has arrived.</summary>
    public void Read()
    {
        if (_firstTextAt == 0) return;
        _reads++;
        _lastReadAt = time.GetTimestamp();
    }
}
