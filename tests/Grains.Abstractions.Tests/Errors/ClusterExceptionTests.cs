namespace CozeCluster.Grains.Abstractions.Tests.Errors;

public sealed class ClusterExceptionTests
{
    [Fact]
    public void An_error_is_the_same_as_an_exception_and_as_a_message()
    {
        var until = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        var thrown = new ClusterException(ErrorCode.RateLimited, "slow down", "model", until, new InvalidOperationException("inside"));

        var again = thrown.ToError().ToException();

        Assert.Equal((thrown.Code, thrown.Message, thrown.Param, thrown.Until), (again.Code, again.Message, again.Param, again.Until));
        Assert.Null(again.InnerException);
        Assert.Equal(429, again.Info.Status);
    }
}
