using Orleans.Concurrency;

namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>Notes how often its methods run: its key and the method's name.</summary>
[Alias("test.counting")]
public interface ICountingGrain : IGrainWithStringKey
{
    [Idempotent, Alias("Again")]
    Task<string> Again(string id);

    [Alias("Once")]
    Task<string> Once(string id);

    [Idempotent, Alias("FailAgain")]
    Task FailAgain(string code);

    /// <summary>Notes it and awaits a gate.</summary>
    [Idempotent, AlwaysInterleave, Alias("HoldAgain")]
    Task<string> HoldAgain(string gate);

    /// <summary>Notes it and awaits a gate.</summary>
    [AlwaysInterleave, Alias("HoldOnce")]
    Task<string> HoldOnce(string gate);
}

[GrainType("test.counting")]
public sealed class CountingGrain(Probe probe, ILocalSiloDetails silo) : Grain, ICountingGrain
{
    public Task<string> Again(string id)
    {
        Note(nameof(Again));
        return Task.FromResult(id);
    }

    public Task<string> Once(string id)
    {
        Note(nameof(Once));
        return Task.FromResult(id);
    }

    public Task FailAgain(string code)
    {
        Note(nameof(FailAgain));
        throw new ClusterException(Enum.Parse<ErrorCode>(code), "As the test wants.");
    }

    public Task<string> HoldAgain(string gate) => Hold(gate, nameof(HoldAgain));

    public Task<string> HoldOnce(string gate) => Hold(gate, nameof(HoldOnce));

    private async Task<string> Hold(string gate, string method)
    {
        Note(method);
        await probe.Pass(gate);
        return silo.SiloAddress.ToString();
    }

    private void Note(string method) => probe.Note($"{this.GetPrimaryKeyString()} {method}");
}
