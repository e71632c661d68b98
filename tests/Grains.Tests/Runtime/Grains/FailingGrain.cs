using Orleans.Concurrency;

namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>
/// Fails in several ways. With a key that begins with <c>broken</c>, the first activation fails; with <c>wrapped</c>, it fails with the exception that Orleans
/// throws when a state cannot be read; with <c>never</c>, every activation fails.
/// </summary>
[Alias("test.failing")]
public interface IFailingGrain : IGrainWithStringKey
{
    [Alias("Throw")]
    Task Throw(string code, string message, string? param, long untilUnixSeconds);

    /// <summary>Throws another exception than <see cref="ClusterException"/>, with a message that callers must not receive.</summary>
    [AlwaysInterleave, Alias("ThrowSecret")]
    ValueTask<int> ThrowSecret(bool afterAwait);

    [Alias("Cancel")]
    Task Cancel();

    /// <summary>Calls <see cref="Throw"/> of another grain.</summary>
    [Alias("RelayThrow")]
    Task RelayThrow(string other, string code);

    /// <summary>Calls <see cref="ThrowSecret"/> of another grain.</summary>
    [Alias("RelaySecret")]
    Task RelaySecret(string other);

    [Alias("IsOk")]
    Task<bool> IsOk();

    [Idempotent, Alias("IsOkIdempotent")]
    Task<bool> IsOkIdempotent();
}

[GrainType("test.failing")]
public sealed class FailingGrain(Probe probe) : Grain, IFailingGrain
{
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var key = this.GetPrimaryKeyString();
        var count = probe.Record(key + " activating");
        var error = new ClusterException(ErrorCode.QuotaExceeded, "Not now.");
        return key.Split('-')[0] switch
        {
            "never" => throw error,
            "broken" when count == 1 => throw error,
            "wrapped" when count == 1 => throw new OrleansException("Error from storage provider.", error),
            _ => Task.CompletedTask,
        };
    }

    public Task Throw(string code, string message, string? param, long untilUnixSeconds) =>
        throw new ClusterException(
            Enum.Parse<ErrorCode>(code), message, param, untilUnixSeconds == 0 ? null : DateTimeOffset.FromUnixTimeSeconds(untilUnixSeconds));

    public async ValueTask<int> ThrowSecret(bool afterAwait)
    {
        if (afterAwait) await Task.Yield();
        throw new InvalidOperationException("secret");
    }

    public Task Cancel() => throw new OperationCanceledException();

    public Task RelayThrow(string other, string code) => GrainFactory.GetGrain<IFailingGrain>(other).Throw(code, "Relayed.", null, 0);

    public async Task RelaySecret(string other) => await GrainFactory.GetGrain<IFailingGrain>(other).ThrowSecret(afterAwait: true);

    public Task<bool> IsOk() => Task.FromResult(true);

    public Task<bool> IsOkIdempotent() => IsOk();
}
