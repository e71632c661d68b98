using System.Collections.Concurrent;

namespace CozeCluster.Engine.Embedded;

/// <summary>What is to happen after a call has run.</summary>
internal readonly record struct Fate(bool LoseResponse, bool Deactivate, bool Evict)
{
    /// <returns>Whether the answer is lost.</returns>
    public bool AfterCall(Activation activation)
    {
        if (Evict) activation.LeaveWhen(Leave.WhenQuiet);
        else if (Deactivate) activation.CollectIfIdle(long.MaxValue);
        return LoseResponse;
    }
}

/// <summary>The test mode: calls go through the wire, and meet with what a cluster does to calls.</summary>
internal sealed class Faults(ClusterLikeOptions options)
{
    private readonly ConcurrentDictionary<(GrainKind, string), Counter> _calls = new();

    public Wire Wire { get; } = new(options.Messages);

    /// <summary>Sends a call through the weather.</summary>
    public void Send(MethodCall call)
    {
        var dice = Dice(call);
        if (dice.NextDouble() < options.Rejections)
        {
            call.Reject();
            return;
        }
        var fate = new Fate(dice.NextDouble() < options.LostResponses, dice.NextDouble() < options.Deactivations, dice.NextDouble() < options.Evictions);
        var late = dice.NextDouble() < options.Delays;
        var twice = dice.NextDouble() < options.Duplicates && call.Method.Idempotent;
        try
        {
            call.Prepare(Wire, fate);
        }
        catch (Exception e)
        {
            call.Fail(e);
            return;
        }
        var copy = twice ? call.Duplicate(Wire) : null;
        Deliver(call, late ? dice.NextDouble() : 0);
        // A duplicate arrives right behind, or any time later.
        if (copy is not null) Deliver(copy, dice.Next(2) * dice.NextDouble());
    }

    /// <summary>Answers through the wire.</summary>
    public void Answer<T>(TaskCompletionSource<T> caller, T result)
    {
        try
        {
            caller.TrySetResult(Wire.Copy(result));
        }
        catch (Exception e)
        {
            caller.TrySetException(e);
        }
    }

    private void Deliver(MethodCall call, double lateness)
    {
        if (lateness == 0) call.Kind.Deliver(call.Key, call);
        else _ = DeliverLate();

        async Task DeliverLate()
        {
            // Real time: a test that moves its own clock need not know of this.
            await Task.Delay(options.MaxDelay * lateness, TimeProvider.System, CancellationToken.None).ConfigureAwait(false);
            call.Kind.Deliver(call.Key, call);
        }
    }

    /// <summary>Dice for the n-th call of a grain: they depend on nothing but the seed, the grain and n.</summary>
    private Random Dice(MethodCall call)
    {
        var n = Interlocked.Increment(ref _calls.GetOrAdd((call.Kind, call.Key), _ => new Counter()).Value);
        var sum = 14695981039346656037ul ^ (uint)options.Seed;
        foreach (var c in $"{call.Kind.Name} {call.Key} {n}") sum = (sum ^ c) * 1099511628211ul;
        return new Random((int)(sum ^ (sum >> 32)));
    }

    private sealed class Counter
    {
        public int Value;
    }
}
