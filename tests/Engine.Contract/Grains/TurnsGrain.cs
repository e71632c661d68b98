namespace CozeCluster.Engine.Contract;

/// <summary>Shows who runs when.</summary>
public interface ITurnsGrain : IGrain
{
    /// <summary>Fails if another non-interleaving call runs.</summary>
    /// <returns>How many have run.</returns>
    Task<int> Exclusive();

    /// <summary>The same as a value task, with an argument.</summary>
    ValueTask<int> ExclusiveAdd(int by);

    /// <summary>Notes the number.</summary>
    Task Record(int number);

    /// <summary>All numbers recorded in this activation.</summary>
    [Interleaves]
    Task<string> Recorded();

    /// <summary>Holds the turn until the gate opens, having noted <c>gate</c>.</summary>
    Task Hold(string gate, CancellationToken cancellationToken = default);

    /// <summary>The same without holding the turn.</summary>
    [Interleaves]
    Task Wait(string gate, CancellationToken cancellationToken = default);

    /// <summary>Answers at once.</summary>
    [Interleaves]
    ValueTask Peek();

    /// <summary>Counts up so often, giving way each time, in a way that loses counts if two threads are at it.</summary>
    [Interleaves]
    Task<int> Count(int times);

    /// <summary>Asks another grain, which asks this one back while this call runs.</summary>
    Task<string> AskThrough(string other);

    /// <summary>Asks that grain for <see cref="Name"/>.</summary>
    Task<string> AskBack(string origin);

    /// <summary>The key.</summary>
    [Interleaves]
    Task<string> Name();
}

/// <inheritdoc />
public class TurnsGrain(IGrainContext context, Probe probe) : ITurnsGrain
{
    private readonly List<int> _recorded = [];
    private int _inside;
    private int _total;

    public async Task<int> Exclusive() => await ExclusiveAdd(1);

    public async ValueTask<int> ExclusiveAdd(int by)
    {
        if (++_inside != 1) throw new ClusterException(ErrorCode.Internal, "Two calls at once.");
        await Task.Yield();
        _total += by;
        await Task.Yield();
        if (--_inside != 0) throw new ClusterException(ErrorCode.Internal, "Two calls at once.");
        return _total;
    }

    public Task Record(int number)
    {
        _recorded.Add(number);
        return Task.CompletedTask;
    }

    public Task<string> Recorded() => Task.FromResult(string.Join(' ', _recorded));

    public async Task Hold(string gate, CancellationToken cancellationToken = default)
    {
        probe.Note(gate);
        await probe.Pass(gate, cancellationToken);
    }

    public Task Wait(string gate, CancellationToken cancellationToken = default) => Hold(gate, cancellationToken);

    public ValueTask Peek() => default;

    public async Task<int> Count(int times)
    {
        for (var i = 0; i < times; i++)
        {
            var seen = _total;
            Thread.SpinWait(20);
            _total = seen + 1;
            await Task.Yield();
        }
        return _total;
    }

    public Task<string> AskThrough(string other) => context.Grains.Get<ITurnsGrain>(other).AskBack(context.Key);

    public Task<string> AskBack(string origin) => context.Grains.Get<ITurnsGrain>(origin).Name();

    public Task<string> Name() => Task.FromResult(context.Key);
}
