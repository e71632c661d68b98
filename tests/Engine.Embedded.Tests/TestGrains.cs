using System.Collections.Concurrent;
using CozeCluster.Engine.Contract;

namespace CozeCluster.Engine.Embedded.Tests;

/// <summary>Counts what reaches it, for the test mode.</summary>
public interface ICountedGrain : IGrain
{
    [Idempotent]
    Task<string> Put(string id);

    Task<string> Once(string id);

    [Interleaves, Idempotent]
    Task<int> Incarnation();

    Task StartWork();
}

/// <summary>How often each id arrived.</summary>
public sealed class Tally
{
    public ConcurrentDictionary<string, int> Arrived { get; } = new();

    public int Of(string id) => Arrived.GetValueOrDefault(id);
}

internal sealed class CountedGrain(IGrainContext context, Tally tally, Probe probe) : ICountedGrain
{
    private readonly int _incarnation = probe.Note(context.Key + " activated");

    public Task<string> Put(string id)
    {
        tally.Arrived.AddOrUpdate(id, 1, (_, n) => n + 1);
        return Task.FromResult(id);
    }

    public Task<string> Once(string id) => Put(id);

    public Task<int> Incarnation() => Task.FromResult(_incarnation);

    public Task StartWork()
    {
        context.RunBackground(token => probe.Pass("never", token));
        return Task.CompletedTask;
    }
}

/// <summary>Misbehaves while it is put away.</summary>
public interface IStuckGrain : IGrain
{
    /// <summary>Never returns, having told to be put away.</summary>
    Task StickInCall();

    /// <summary>Starts work that does not heed its cancellation.</summary>
    Task StickInBackground();

    /// <summary>Makes <c>OnDeactivate</c> hang.</summary>
    Task StickInDeactivate();

    /// <summary>Calls itself without interleaving, until the token says stop.</summary>
    Task CallItself(CancellationToken cancellationToken);

    /// <summary>Never rests, but gives way, until the token says stop.</summary>
    Task Spin(CancellationToken cancellationToken);

    Task<int> Incarnation();

    /// <summary>Holds the turn until the gate opens, then asks that grain.</summary>
    Task<int> HoldThenAsk(string gate, string other);

    /// <summary>Leaves and calls itself back, interleaving, before its call ends.</summary>
    Task<int> DeactivateThenAskItself();

    [Interleaves]
    Task<int> Peek();

    /// <summary>What of <see cref="StuckGrain.Ambient"/> it sees.</summary>
    Task<string?> SeeAmbient();

    /// <summary>Uses its context elsewhere.</summary>
    Task UseContextElsewhere();

    /// <summary>Fails where nobody hears.</summary>
    Task FailInVoid();
}

internal sealed class StuckGrain(IGrainContext context, Probe probe) : IStuckGrain, IGrainLifecycle
{
    /// <summary>Flows with whoever sets it.</summary>
    public static readonly AsyncLocal<string?> Ambient = new();

    private readonly int _incarnation = probe.Note(context.Key + " activated");
    private bool _stickInDeactivate;

    public async ValueTask OnDeactivate(CancellationToken cancellationToken)
    {
        probe.Note(context.Key + " deactivating");
        if (_stickInDeactivate) await probe.Pass("never", CancellationToken.None);
    }

    public Task StickInCall()
    {
        context.Deactivate();
        return probe.Pass("never");
    }

    public Task StickInBackground()
    {
        context.RunBackground(async _ =>
        {
            probe.Note(context.Key + " work");
            await probe.Pass("never");
        });
        return Task.CompletedTask;
    }

    public Task StickInDeactivate()
    {
        _stickInDeactivate = true;
        return Task.CompletedTask;
    }

    public Task CallItself(CancellationToken cancellationToken) => context.Grains.Get<IStuckGrain>(context.Key).CallItself(cancellationToken);

    public Task<int> Incarnation() => Task.FromResult(_incarnation);

    public async Task Spin(CancellationToken cancellationToken)
    {
        probe.Note("spinning");
        while (!cancellationToken.IsCancellationRequested) await Task.Yield();
    }

    public async Task<int> HoldThenAsk(string gate, string other)
    {
        probe.Note(gate);
        await probe.Pass(gate);
        return await context.Grains.Get<IStuckGrain>(other).Incarnation();
    }

    public Task<int> DeactivateThenAskItself()
    {
        context.Deactivate();
        return context.Grains.Get<IStuckGrain>(context.Key).Peek();
    }

    public Task<int> Peek() => Task.FromResult(_incarnation);

    public Task<string?> SeeAmbient() => Task.FromResult(Ambient.Value);

    public Task UseContextElsewhere() => Task.Run(() => context.RunBackground(_ => Task.CompletedTask));

    public Task FailInVoid()
    {
        Fail();
        return Task.CompletedTask;

        async void Fail()
        {
            await Task.Yield();
            throw new InvalidOperationException("Nobody awaits this.");
        }
    }
}

internal static class TestGrains
{
    public static IReadOnlyList<GrainDefinition> Definitions { get; } =
    [
        .. ContractGrains.Definitions,
        GrainDefinition.Of<ICountedGrain, CountedGrain>("test.counted"),
        GrainDefinition.Of<IStuckGrain, StuckGrain>("test.stuck"),
    ];
}
