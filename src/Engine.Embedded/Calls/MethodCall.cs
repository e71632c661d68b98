namespace CozeCluster.Engine.Embedded;

/// <summary>One call of a grain method, however often it is delivered.</summary>
internal abstract class MethodCall(GrainMethod method, GrainKind kind, string key, object?[] arguments) : Call
{
    /// <summary>How often an idempotent call is sent at most.</summary>
    private const int MaxDeliveries = 5;

    private int _deliveries;

    public override bool Interleaves => method.Interleaves;

    public GrainMethod Method => method;

    public GrainKind Kind => kind;

    public string Key => key;

    /// <summary>What the grain gets; copies of what the caller gave where calls go through the wire.</summary>
    public object?[] Arguments { get; private set; } = arguments;

    protected Fate Fate { get; private set; }

    protected CancellationToken Token => method.TokenIndex < 0 ? default : (CancellationToken)Arguments[method.TokenIndex]!;

    /// <summary>Sends the call on its way: once or, where it may be repeated, again.</summary>
    public void Send()
    {
        _deliveries++;
        if (kind.Engine.Refusal() is { } refusal) Fail(refusal);
        else if (Token is { IsCancellationRequested: true } token) Fail(new OperationCanceledException(token));
        else if (kind.Engine.Faults is { } faults) faults.Send(this);
        else kind.Deliver(key, this);
    }

    /// <summary>The engine could not deliver the call, or lost its answer.</summary>
    public void Reject()
    {
        if (method.Idempotent && _deliveries < MaxDeliveries) Send();
        else Fail(new ClusterException(ErrorCode.EngineRejected, "The call could not be delivered. Try again."));
    }

    /// <summary>Before a delivery through the wire.</summary>
    public void Prepare(Wire wire, Fate fate)
    {
        Fate = fate;
        Arguments = wire.CopyArguments(method, Arguments);
    }

    /// <summary>The same call once more, its answer unheard.</summary>
    public abstract MethodCall Duplicate(Wire wire);
}

/// <inheritdoc />
internal sealed class MethodCall<T>(GrainMethod<T> method, GrainKind kind, string key, object?[] arguments) : MethodCall(method, kind, key, arguments)
{
    private readonly TaskCompletionSource<T> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenRegistration _whileQueued;

    /// <summary>What the caller awaits.</summary>
    public Task<T> Result => _result.Task;

    public override MethodCall Duplicate(Wire wire)
    {
        var copy = new MethodCall<T>(method, Kind, Key, wire.CopyArguments(method, Arguments));
        _ = copy.Result.ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return copy;
    }

    public override void Queued()
    {
        var token = Token;
        if (token.CanBeCanceled) _whileQueued = token.UnsafeRegister(static (call, t) => ((MethodCall<T>)call!)._result.TrySetCanceled(t), this);
    }

    public override void Start()
    {
        _whileQueued.Unregister();
        if (_result.Task.IsCompleted)
        {
            // The caller gave up while the call waited for its turn.
            Activation.End(this);
            return;
        }
        ValueTask<T> pending;
        try
        {
            pending = method.Run(Activation.Grain, Arguments);
        }
        catch (Exception e)
        {
            Answer(e);
            return;
        }
        if (pending.IsCompletedSuccessfully) Answer(pending.Result);
        else _ = Await(pending);
    }

    public override void Fail(Exception error)
    {
        if (error is OperationCanceledException cancelled) _result.TrySetCanceled(cancelled.CancellationToken);
        else _result.TrySetException(error);
    }

    private async Task Await(ValueTask<T> pending)
    {
        T result;
        try
        {
            result = await pending;
        }
        catch (Exception e)
        {
            Answer(e);
            return;
        }
        Answer(result);
    }

    // The turn ends before the caller hears, so that who has the answer finds the grain free.

    private void Answer(T result)
    {
        Activation.End(this);
        if (Fate.AfterCall(Activation)) Reject();
        else if (Kind.Engine.Faults is { } faults) faults.Answer(_result, result);
        else _result.TrySetResult(result);
    }

    private void Answer(Exception error)
    {
        Activation.End(this);
        if (Fate.AfterCall(Activation)) Reject();
        else Fail(Failure.ForCaller(error, Kind, Key, method.Name));
    }
}
