using Orleans.Concurrency;

namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>Counts the calls of its methods in the probe, as <c>{key} {method}</c>.</summary>
[Alias("test.counting")]
public interface ICountingGrain : IGrainWithStringKey
{
    [Idempotent, Alias("CallIdempotent")]
    Task<string> CallIdempotent(string id);

    [Alias("Call")]
    Task<string> Call(string id);

    [Idempotent, Alias("Fail")]
    Task Fail(string code);

    /// <summary>Counts the call and waits for a gate.</summary>
    [Idempotent, AlwaysInterleave, Alias("WaitIdempotent")]
    Task<string> WaitIdempotent(string gate);

    /// <summary>Counts the call and waits for a gate.</summary>
    [AlwaysInterleave, Alias("Wait")]
    Task<string> Wait(string gate);
}

[GrainType("test.counting")]
public sealed class CountingGrain(Probe probe, ILocalSiloDetails silo) : Grain, ICountingGrain
{
    public Task<string> CallIdempotent(string id)
    {
        Count(nameof(CallIdempotent));
        return Task.FromResult(id);
    }

    public Task<string> Call(string id)
    {
        Count(nameof(Call));
        return Task.FromResult(id);
    }

    public Task Fail(string code)
    {
        Count(nameof(Fail));
        throw new ClusterException(Enum.Parse<ErrorCode>(code), "Requested by the test.");
    }

    public Task<string> WaitIdempotent(string gate) => Wait(gate, nameof(WaitIdempotent));

    public Task<string> Wait(string gate) => Wait(gate, nameof(Wait));

    private async Task<string> Wait(string gate, string method)
    {
        Count(method);
        await probe.Pass(gate);
        return silo.SiloAddress.ToString();
    }

    private void Count(string method) => probe.Record($"{this.GetPrimaryKeyString()} {method}");
}
