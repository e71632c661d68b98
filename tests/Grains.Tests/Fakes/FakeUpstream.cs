using System.Collections.Concurrent;
using System.Threading.Channels;

namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>An upstream that the test controls: the test sees what was opened, attached and cancelled, and writes the replies.</summary>
public sealed class FakeUpstream : IUpstream
{
    private readonly Channel<FakeExchange> _opened = Channel.CreateUnbounded<FakeExchange>();
    private readonly Channel<FakeExchange> _attached = Channel.CreateUnbounded<FakeExchange>();
    private readonly Channel<UpstreamHandle> _cancelled = Channel.CreateUnbounded<UpstreamHandle>();
    private readonly ConcurrentQueue<UpstreamHandle> _released = new();
    private int _opens;

    public string Name => "fake";

    /// <summary>The answer of <see cref="IUpstream.CanReattach"/> for every bot but <see cref="ForgetfulBot"/>.</summary>
    public bool CanReattach { get; set; } = true;

    /// <summary>The id of a bot whose exchanges cannot be found again.</summary>
    public string? ForgetfulBot { get; set; }

    bool IUpstream.CanReattach(BotDefinition bot) => CanReattach && bot.Id != ForgetfulBot;

    /// <summary>Exceptions of the next calls of <see cref="Open"/>, in order. Null: the call succeeds.</summary>
    public ConcurrentQueue<ClusterException?> Refusals { get; } = new();

    /// <summary>Exceptions of the next calls of <see cref="Attach"/>, in order.</summary>
    public ConcurrentQueue<ClusterException> Losses { get; } = new();

    /// <summary>If set, <see cref="Open"/> waits for it or for its token.</summary>
    public TaskCompletionSource? Hold { get; set; }

    /// <summary>If set, <see cref="Open"/> waits for it before it sends anything.</summary>
    public TaskCompletionSource? HoldBeforeSending { get; set; }

    /// <summary>If set, <see cref="Cancel"/> waits for it or for its token.</summary>
    public TaskCompletionSource? HoldCancel { get; set; }

    public int OpenedCount => Volatile.Read(ref _opens);

    /// <summary>Cancellations that the test has not read yet.</summary>
    public int CancelledCount => _cancelled.Reader.Count;

    public async ValueTask<IExchange> Open(UpstreamTurn turn, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _opens);
        try
        {
            if (HoldBeforeSending is { } before) await before.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException cancelled)
        {
            throw new PromptNotSentException(cancelled);
        }
        if (Hold is { } hold) await hold.Task.WaitAsync(cancellationToken);
        if (Refusals.TryDequeue(out var refusal) && refusal is not null) throw refusal;
        var exchange = new FakeExchange(turn, null);
        _opened.Writer.TryWrite(exchange);
        return exchange;
    }

    public ValueTask<IExchange> Attach(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken)
    {
        if (Losses.TryDequeue(out var loss)) throw loss;
        var exchange = new FakeExchange(turn, handle);
        _attached.Writer.TryWrite(exchange);
        return ValueTask.FromResult<IExchange>(exchange);
    }

    public async ValueTask Cancel(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken)
    {
        _cancelled.Writer.TryWrite(handle);
        if (HoldCancel is { } hold) await hold.Task.WaitAsync(cancellationToken);
    }

    /// <summary>The released exchanges, oldest first.</summary>
    public IReadOnlyList<UpstreamHandle> Released => [.. _released];

    public ValueTask Release(UpstreamTurn turn, UpstreamHandle handle)
    {
        _released.Enqueue(handle);
        return ValueTask.CompletedTask;
    }

    public Task<FakeExchange> NextOpened() => Next(_opened);

    public Task<FakeExchange> NextAttached() => Next(_attached);

    public Task<UpstreamHandle> NextCancelled() => Next(_cancelled);

    private static Task<T> Next<T>(Channel<T> channel) => channel.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
}

/// <summary>A reply that the test writes.</summary>
public sealed class FakeExchange(UpstreamTurn turn, UpstreamHandle? attachedTo) : IExchange
{
    private readonly Channel<Action<IReplySink>> _script = Channel.CreateUnbounded<Action<IReplySink>>();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public UpstreamTurn Turn => turn;

    public UpstreamHandle? AttachedTo => attachedTo;

    /// <summary>Completes when the connection has been closed.</summary>
    public Task Closed => _closed.Task.WaitAsync(TimeSpan.FromSeconds(30));

    public UpstreamHandle Handle => attachedTo ?? new(turn.Bot.Id, turn.Account.Id, "fake", new Dictionary<string, string>
    {
        ["conversation_id"] = "c-" + turn.TurnId,
        ["chat_id"] = "h-" + turn.TurnId,
    });

    public FakeExchange Do(Action<IReplySink> action)
    {
        _script.Writer.TryWrite(action);
        return this;
    }

    public FakeExchange Identify() => Do(sink => sink.Identify(Handle));

    public FakeExchange Say(string text, string message = "m1") => Do(sink => sink.Append(sink.Open(message, TextKind.Answer), text));

    public FakeExchange Whole(string text, string message = "m1") => Do(sink =>
    {
        var part = sink.Open(message, TextKind.Answer);
        sink.Set(part, text);
        sink.Close(part);
    });

    public void Complete(FinishReason reason = FinishReason.Stop) => Do(sink =>
    {
        sink.SetUsage(new Usage(3, 4, 7));
        sink.Complete(reason);
    })._script.Writer.Complete();

    public void Fail(ErrorCode code) => Fail(new Error(code, "The upstream refused it."));

    public void Fail(Error error) => Do(sink => sink.Fail(error))._script.Writer.Complete();

    public void Break(ErrorCode code = ErrorCode.UpstreamUnavailable) => _script.Writer.Complete(new ClusterException(code, "The connection broke."));

    public async ValueTask<bool> WaitToRead(CancellationToken cancellationToken)
    {
        try
        {
            return await _script.Reader.WaitToReadAsync(cancellationToken);
        }
        catch (ChannelClosedException closed) when (closed.InnerException is ClusterException broken)
        {
            throw broken;
        }
    }

    public void Read(IReplySink sink)
    {
        while (_script.Reader.TryRead(out var action)) action(sink);
    }

    public ValueTask DisposeAsync()
    {
        _closed.TrySetResult();
        return ValueTask.CompletedTask;
    }
}
