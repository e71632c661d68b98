namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>Tests which calls are marked as first calls. The tests of storages cover its effect.</summary>
public sealed class FirstCallTests(RuntimeSilo fixture) : RuntimeTest<RuntimeSilo>(fixture)
{
    [Fact(Timeout = Hang)]
    public async Task The_activation_sees_the_mark_and_calls_of_the_grain_do_not()
    {
        Task<FirstCallSeen> call;
        using (FirstCall.To(Key)) call = Get<IFirstCalledGrain>().Look();

        Assert.Equal(new FirstCallSeen(ByActivation: true, ByMethod: false, ByOther: false), await call);
    }

    [Fact(Timeout = Hang)]
    public async Task The_mark_applies_to_one_grain_and_ends_when_disposed()
    {
        var other = NewKey();
        Task<FirstCallSeen> marked;
        using (FirstCall.To(Key)) marked = Get<IFirstCalledGrain>(other).Look();

        Assert.False((await marked).ByActivation);
        Assert.False((await Get<IFirstCalledGrain>().Look()).ByActivation);
    }
}
