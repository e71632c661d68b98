namespace CozeCluster.Engine.Contract;

/// <summary>Fails in every way.</summary>
public interface IFailingGrain : IGrain
{
    /// <summary>Throws a cluster exception with that code, <c>param</c> and <c>until</c>.</summary>
    Task Throw(string code, string message, string? param, long untilUnixSeconds);

    /// <summary>Throws something else, with a message that nobody outside may read.</summary>
    [Interleaves]
    ValueTask<int> ThrowSecret(bool afterAwait);

    /// <summary>Ends as cancelled.</summary>
    Task Cancel();

    /// <summary>Asks another grain to throw a cluster exception, and lets it pass.</summary>
    Task Relay(string other, string code);

    /// <summary>Answers.</summary>
    Task<bool> IsWell();
}

/// <inheritdoc />
/// <remarks>A key that begins with <c>stillborn</c> fails to activate until the gate of its key is open.</remarks>
public class FailingGrain(IGrainContext context, Probe probe) : IFailingGrain, IGrainLifecycle
{
    public ValueTask OnActivate(CancellationToken cancellationToken)
    {
        if (context.Key.StartsWith("stillborn", StringComparison.Ordinal) && probe.Note(context.Key) == 1)
            throw new ClusterException(ErrorCode.QuotaExceeded, "Not now.");
        return default;
    }

    public Task Throw(string code, string message, string? param, long untilUnixSeconds) =>
        throw new ClusterException(Enum.Parse<ErrorCode>(code), message, param, untilUnixSeconds == 0 ? null : DateTimeOffset.FromUnixTimeSeconds(untilUnixSeconds));

    public async ValueTask<int> ThrowSecret(bool afterAwait)
    {
        if (afterAwait) await Task.Yield();
        throw new InvalidOperationException("secret");
    }

    public Task Cancel() => throw new OperationCanceledException();

    public Task Relay(string other, string code) => context.Grains.Get<IFailingGrain>(other).Throw(code, "Relayed.", null, 0);

    public Task<bool> IsWell() => Task.FromResult(true);
}
