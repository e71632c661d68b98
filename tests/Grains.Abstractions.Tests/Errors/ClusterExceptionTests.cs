using System.Text;
using Orleans.Serialization.Invocation;

namespace CozeCluster.Grains.Abstractions.Tests;

public sealed class ClusterExceptionTests
{
    private static readonly DateTimeOffset Until = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public void An_exception_converts_to_a_message_and_back()
    {
        var thrown = new ClusterException(ErrorCode.RateLimited, "slow down", "model", Until, new InvalidOperationException("inside"));

        var again = thrown.ToError().ToException();

        Assert.Equal((thrown.Code, thrown.Message, thrown.Param, thrown.Until), (again.Code, again.Message, again.Param, again.Until));
        Assert.Null(again.InnerException);
        Assert.Equal(429, again.Info.Status);
    }

    [Fact]
    public void An_exception_is_sent_without_its_cause_and_its_stack_trace()
    {
        var thrown = Thrown(new ClusterException(ErrorCode.RateLimited, "slow down", "model", Until, new InvalidOperationException("inside")));
        Assert.NotNull(thrown.StackTrace);

        var response = Wire.RoundTrip(Response.FromException(thrown));

        var received = Assert.IsType<ClusterException>(response.Exception);
        Assert.Equal((ErrorCode.RateLimited, "slow down", "model", Until), (received.Code, received.Message, received.Param, received.Until));
        Assert.Null(received.InnerException);
        Assert.Null(received.StackTrace);
    }

    [Fact]
    public void An_exception_without_optional_values_is_sent()
    {
        var received = Wire.RoundTrip(new ClusterException(ErrorCode.NotFound, "no such turn"));

        Assert.Equal((ErrorCode.NotFound, "no such turn", null, null), (received.Code, received.Message, received.Param, received.Until));
    }

    /// <summary>The bytes contain names that do not depend on C# names, so versions may differ.</summary>
    [Fact]
    public void Bytes_contain_the_alias_and_the_name_of_the_code()
    {
        var bytes = Encoding.Latin1.GetString(Wire.Write(new ClusterException(ErrorCode.NoImage, "m")));

        Assert.Contains("cluster-exception", bytes, StringComparison.Ordinal);
        Assert.Contains("NoImage", bytes, StringComparison.Ordinal);
        Assert.DoesNotContain(nameof(CozeCluster), bytes, StringComparison.Ordinal);
    }

    [Fact]
    public void A_code_that_only_newer_processes_know_becomes_Internal()
    {
        var bytes = Wire.Write(new ClusterException(ErrorCode.NoImage, "m"));
        "NoImagf"u8.CopyTo(bytes.AsSpan(bytes.AsSpan().IndexOf("NoImage"u8)));

        var received = Assert.IsType<ClusterException>(Wire.Read(bytes));

        Assert.Equal((ErrorCode.Internal, "m"), (received.Code, received.Message));
    }

    [Fact]
    public void A_code_without_a_name_becomes_Internal() =>
        Assert.Equal(ErrorCode.Internal, Wire.RoundTrip(new ClusterException((ErrorCode)9999, "m")).Code);

    private static ClusterException Thrown(ClusterException exception) => Assert.Throws<ClusterException>(new Action(() => throw exception));
}
