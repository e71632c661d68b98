namespace CozeCluster.Engine.Embedded;

/// <summary>How urgently an activation is to leave; ordered.</summary>
internal enum Leave
{
    /// <summary>Not at all.</summary>
    No,

    /// <summary>When nothing runs and nothing waits.</summary>
    WhenQuiet,

    /// <summary>When the calls that run now are done; what waits is for the next activation.</summary>
    Soon,

    /// <summary>The same, and background work is cancelled at once: this activation's state is out of date.</summary>
    Now,
}

/// <summary>
/// One grain in memory: whose turn it is, and its life from the first call to the last. Turn-taking happens under one short lock, from any thread;
/// everything of the grain's own runs on <see cref="Scheduler"/>.
/// </summary>
internal sealed partial class Activation(GrainKind kind, string key)
{
    private readonly Lock _gate = new();
    private Queue<Call>? _waiting;
    private Phase _phase;
    private Leave _leave;
    private bool _busy;
    private int _running;
    private long _sequence;
    private long _lastUsed;

    // Of the calls that ran when the grain was told to leave soon: the last one's sequence, and how many still run.
    private long _lastEarly;
    private int _early;

    private enum Phase
    {
        New,
        Activating,
        Active,
        Closing,
        Gone,
    }

    public GrainKind Kind => kind;

    public string Key => key;

    public GrainScheduler Scheduler { get; } = new(kind.Engine.Logger);

    /// <summary>The grain; there once it is active.</summary>
    public object Grain { get; private set; } = null!;

    /// <summary>Takes a call, to run it now or in its turn.</summary>
    /// <returns>False if this activation is gone.</returns>
    public bool TryReceive(Call call)
    {
        lock (_gate)
        {
            if (_phase == Phase.Gone) return false;
            if (MayBegin(call))
            {
                Begin(call);
                return true;
            }
            (_waiting ??= new()).Enqueue(call);
            call.Queued();
            if (_phase == Phase.New) Activate();
            return true;
        }
    }

    /// <summary>A call has run to its end.</summary>
    public void End(Call call)
    {
        lock (_gate)
        {
            _running--;
            if (!call.Interleaves) _busy = false;
            if (call.Sequence <= _lastEarly) _early--;
            _lastUsed = kind.Engine.Time.GetTimestamp();
            BeginWaiting();
            CloseIfDue();
        }
    }

    /// <summary>Asks the activation to leave.</summary>
    public void LeaveWhen(Leave when)
    {
        lock (_gate)
        {
            if (_phase is Phase.Closing or Phase.Gone || when <= _leave) return;
            // Told while it comes to life: whom it came to life for is still served.
            if (_phase is Phase.New or Phase.Activating && when == Leave.Soon) when = Leave.WhenQuiet;
            _leave = when;
            if (when == Leave.Soon)
            {
                _lastEarly = _sequence;
                _early = _running;
            }
            if (when == Leave.Now) Scheduler.Post(static a => ((Activation)a!).CancelWork(), this);
            if (when > Leave.WhenQuiet && _running > 0) GiveRunningCallsTime();
            CloseIfDue();
        }
    }

    /// <summary>Puts the activation away if it has been idle for long enough.</summary>
    /// <param name="idleSince">The timestamp before which it must have been used last; <see cref="long.MaxValue"/> for any.</param>
    /// <returns>Whether it is being put away.</returns>
    public bool CollectIfIdle(long idleSince)
    {
        lock (_gate)
        {
            if (_phase != Phase.Active || _running > 0 || _lastUsed > idleSince || HasWork) return _phase == Phase.Closing;
            Close();
            return true;
        }
    }

    private bool MayBegin(Call call) => _phase == Phase.Active && _leave switch
    {
        Leave.No or Leave.WhenQuiet => call.Interleaves || !_busy,
        // A call that still runs may be waiting for just this one.
        Leave.Soon => call.Interleaves && _early > 0,
        _ => false,
    };

    private void Begin(Call call)
    {
        call.Sequence = ++_sequence;
        _running++;
        if (!call.Interleaves) _busy = true;
        call.Activation = this;
        Scheduler.Post(static call => ((Call)call!).Start(), call);
    }

    private void BeginWaiting()
    {
        // While the grain is active, only calls that need the turn wait, so the first one decides.
        while (_waiting is not null && _waiting.TryPeek(out var next) && MayBegin(next)) Begin(_waiting.Dequeue());
    }

    private void CloseIfDue()
    {
        if (_phase != Phase.Active || _running > 0) return;
        if (_leave >= Leave.Soon || (_leave == Leave.WhenQuiet && _waiting is null or { Count: 0 })) Close();
    }

    private void Close()
    {
        _phase = Phase.Closing;
        Scheduler.Post(static a => _ = ((Activation)a!).CloseAsync(), this);
    }
}
