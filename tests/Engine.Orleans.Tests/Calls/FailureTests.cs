namespace CozeCluster.Engine.Orleans.Tests.Calls;

public sealed class FailureTests
{
    // "Current directory at … is not stable to perform the lookup for grainId …. Retry later."
    [Fact]
    public void Directory_that_is_not_stable_yet_is_a_call_that_was_not_delivered()
    {
        var error = new OrleansException("Retry later.");

        Assert.True(Failure.IsUndelivered(error));
        Assert.Equal(ErrorCode.EngineRejected, Assert.IsType<ClusterException>(Failure.Translate(error)).Code);
    }

    [Fact]
    public void Other_exceptions_stay_within()
    {
        Assert.False(Failure.IsUndelivered(new InvalidOperationException()));
        Assert.Equal(ErrorCode.Internal, Assert.IsType<ClusterException>(Failure.Translate(new InvalidOperationException("Secret."))).Code);
    }
}
