namespace CozeCluster.Engine.Contract;

/// <summary>What callers get to see of exceptions.</summary>
public abstract class ErrorContract<TFixture> : EngineContract<TFixture> where TFixture : EngineFixture, new()
{
    [Fact(Timeout = Hang)]
    public async Task A_cluster_exception_arrives_whole()
    {
        var error = await Assert.ThrowsAsync<ClusterException>(
            () => Get<IFailingGrain>().Throw(nameof(ErrorCode.RateLimited), "Slow down, 慢.", "messages[0].content", 1_800_000_000));

        Assert.Equal(ErrorCode.RateLimited, error.Code);
        Assert.Equal("Slow down, 慢.", error.Message);
        Assert.Equal("messages[0].content", error.Param);
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1_800_000_000), error.Until);
    }

    [Fact(Timeout = Hang)]
    public async Task Every_code_arrives()
    {
        foreach (var code in Enum.GetValues<ErrorCode>())
        {
            var error = await Assert.ThrowsAsync<ClusterException>(() => Get<IFailingGrain>().Throw(code.ToString(), "Message.", null, 0));
            Assert.Equal(code, error.Code);
            Assert.Null(error.Param);
            Assert.Null(error.Until);
        }
    }

    [Fact(Timeout = Hang)]
    public async Task A_cluster_exception_passes_through_a_grain_between()
    {
        var error = await Assert.ThrowsAsync<ClusterException>(() => Get<IFailingGrain>().Relay(NewKey(), nameof(ErrorCode.ContentFiltered)));

        Assert.Equal(ErrorCode.ContentFiltered, error.Code);
        Assert.Equal("Relayed.", error.Message);
    }

    [Theory(Timeout = Hang)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Any_other_exception_becomes_internal_and_tells_nothing(bool afterAwait)
    {
        var error = await Assert.ThrowsAsync<ClusterException>(async () => await Get<IFailingGrain>().ThrowSecret(afterAwait));

        Assert.Equal(ErrorCode.Internal, error.Code);
        Assert.DoesNotContain("secret", error.Message);
        Assert.True(await Get<IFailingGrain>().IsWell());
    }

    [Fact(Timeout = Hang)]
    public async Task Cancellation_stays_cancellation() =>
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Get<IFailingGrain>().Cancel());

    [Fact(Timeout = Hang)]
    public async Task A_failed_activation_fails_its_call_and_the_next_call_tries_again()
    {
        var key = "stillborn-" + Key;

        var error = await Assert.ThrowsAsync<ClusterException>(() => Get<IFailingGrain>(key).IsWell());

        Assert.Equal(ErrorCode.QuotaExceeded, error.Code);
        Assert.True(await Get<IFailingGrain>(key).IsWell());
    }
}
