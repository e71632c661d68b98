using System.Text;
using CozeCluster.Grains.Abstractions.Tests.Messages;
using Orleans.Serialization.Invocation;

namespace CozeCluster.Grains.Abstractions.Tests.Errors;

public sealed class ClusterExceptionTests
{
    private static readonly DateTimeOffset Until = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public void An_error_is_the_same_as_an_exception_and_as_a_message()
    {
        var thrown = new ClusterException(ErrorCode.RateLimited, "slow down", "model", Until, new InvalidOperationException("inside"));

        var again = thrown.ToError().ToException();

        Assert.Equal((thrown.Code, thrown.Message, thrown.Param, thrown.Until), (again.Code, again.Message, again.Param, again.Until));
        Assert.Null(again.InnerException);
        Assert.Equal(429, again.Info.Status);
    }

    [Fact]
    public void An_exception_crosses_processes_without_its_cause_and_its_stack_trace()
    {
        var thrown = Thrown(new ClusterException(ErrorCode.RateLimited, "slow down", "model", Until, new InvalidOperationException("inside")));
        Assert.NotNull(thrown.StackTrace);

        var response = Wire.Again(Response.FromException(thrown));

        var received = Assert.IsType<ClusterException>(response.Exception);
        Assert.Equal((ErrorCode.RateLimited, "slow down", "model", Until), (received.Code, received.Message, received.Param, received.Until));
        Assert.Null(received.InnerException);
        Assert.Null(received.StackTrace);
    }

    [Fact]
    public void An_exception_with_nothing_optional_crosses_processes()
    {
        var received = Wire.Again(new ClusterException(ErrorCode.NotFound, "no such turn"));

        Assert.Equal((ErrorCode.NotFound, "no such turn", null, null), (received.Code, received.Message, received.Param, received.Until));
    }

    /// <summary>Its type and its code are names that do not depend on ours, so that versions can differ.</summary>
    [Fact]
    public void Bytes_hold_the_alias_and_the_name_of_the_code()
    {
        var bytes = Encoding.Latin1.GetString(Wire.Write(new ClusterException(ErrorCode.NoImage, "m")));

        Assert.Contains("cluster-exception", bytes, StringComparison.Ordinal);
        Assert.Contains("NoImage", bytes, StringComparison.Ordinal);
        Assert.DoesNotContain(nameof(CozeCluster), bytes, StringComparison.Ordinal);
    }

    [Fact]
    public void A_code_that_only_newer_processes_know_is_an_internal_error()
    {
        var bytes = Wire.Write(new ClusterException(ErrorCode.NoImage, "m"));
        "NoImagf"u8.CopyTo(bytes.AsSpan(bytes.AsSpan().IndexOf("NoImage"u8)));

        var received = Assert.IsType<ClusterException>(Wire.Read(bytes));

        Assert.Equal((ErrorCode.Internal, "m"), (received.Code, received.Message));
    }

    [Fact]
    public void A_code_without_a_name_is_an_internal_error() =>
        Assert.Equal(ErrorCode.Internal, Wire.Again(new ClusterException((ErrorCode)9999, "m")).Code);

    private static ClusterException Thrown(ClusterException exception) => Assert.Throws<ClusterException>(new Action(() => throw exception));
}
