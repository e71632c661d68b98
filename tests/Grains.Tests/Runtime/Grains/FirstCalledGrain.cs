namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>Reports where it sees the mark of a first call.</summary>
[Alias("test.first-called")]
public interface IFirstCalledGrain : IGrainWithStringKey
{
    [Idempotent, Alias("Look")]
    Task<FirstCallSeen> Look();
}

/// <summary>A grain of another type with the same key.</summary>
[Alias("test.first-called.other")]
public interface IOtherCalledGrain : IGrainWithStringKey
{
    [Alias("Look")]
    Task<bool> Look();
}

/// <param name="ByActivation">Whether the call that activated the grain was marked.</param>
/// <param name="ByMethod">Whether the method sees the mark.</param>
/// <param name="ByOther">Whether a grain that the method calls was activated with the mark.</param>
[GenerateSerializer, Immutable, Alias("test.first-call-seen")]
public sealed record FirstCallSeen(bool ByActivation, bool ByMethod, bool ByOther);

[GrainType("test.first-called")]
public sealed class FirstCalledGrain : Grain, IFirstCalledGrain
{
    private bool _byActivation;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _byActivation = FirstCall.Activates(this.GetGrainId());
        return Task.CompletedTask;
    }

    public async Task<FirstCallSeen> Look()
    {
        var byMethod = FirstCall.Activates(this.GetGrainId());
        return new FirstCallSeen(_byActivation, byMethod, await GrainFactory.GetGrain<IOtherCalledGrain>(this.GetPrimaryKeyString()).Look());
    }
}

[GrainType("test.first-called.other")]
public sealed class OtherCalledGrain : Grain, IOtherCalledGrain
{
    private bool _byActivation;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _byActivation = FirstCall.Activates(this.GetGrainId());
        return Task.CompletedTask;
    }

    public Task<bool> Look() => Task.FromResult(_byActivation);
}
