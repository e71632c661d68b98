namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>How far the mark of a first call reaches; what storages make of it is tested with them.</summary>
public sealed class FirstCallTests(RuntimeSilo fixture) : RuntimeTest<RuntimeSilo>(fixture)
{
    [Fact(Timeout = Hang)]
    public async Task The_mark_reaches_the_activation_and_not_the_calls_that_the_grain_makes()
    {
        Task<FirstCallSeen> call;
        using (FirstCall.To(Key)) call = Get<IFirstCalledGrain>().Look();

        Assert.Equal(new FirstCallSeen(ByActivation: true, ByMethod: false, ByOther: false), await call);
    }

    [Fact(Timeout = Hang)]
    public async Task The_mark_concerns_no_other_grain_and_ends_when_disposed()
    {
        var other = NewKey();
        Task<FirstCallSeen> marked;
        using (FirstCall.To(Key)) marked = Get<IFirstCalledGrain>(other).Look();

        Assert.False((await marked).ByActivation);
        Assert.False((await Get<IFirstCalledGrain>().Look()).ByActivation);
    }
}
