namespace CozeCluster.Deploy.Tests;

public sealed class LoadBalancerTests
{
    private static readonly List<string> Lines =
        [.. Files.Read("deploy/loadbalancer.conf").Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#')];

    /// <summary>Only a request whose connection failed may be retried, because it was not sent.</summary>
    [Fact]
    public void No_request_is_sent_twice() =>
        Assert.Equal("retry-on conn-failure", Assert.Single(Lines, line => line.StartsWith("retry-on", StringComparison.Ordinal)));

    [Fact]
    public void Timeouts_are_longer_than_the_longest_reply()
    {
        // docs/fleet.example.yaml: total: 15m.
        Assert.True(Time("timeout client") > 15 * 60);
        Assert.True(Time("timeout server") > 15 * 60);
    }

    [Fact]
    public void Responses_are_not_buffered_and_sessions_are_not_sticky()
    {
        Assert.Contains("option http-no-delay", Lines);
        Assert.DoesNotContain(Lines, line => line.Contains("http-buffer", StringComparison.Ordinal));
        Assert.DoesNotContain(Lines, line => line.StartsWith("compression", StringComparison.Ordinal));
        Assert.DoesNotContain(Lines, line => line.StartsWith("cookie", StringComparison.Ordinal) || line.StartsWith("stick", StringComparison.Ordinal));
    }

    [Fact]
    public void Gateways_that_are_not_ready_get_no_new_requests_but_keep_their_streams()
    {
        Assert.Contains("http-check send meth GET uri /health/ready", Lines);
        Assert.DoesNotContain(Lines, line => line.Contains("on-marked-down", StringComparison.Ordinal));
    }

    [Fact]
    public void Gateways_receive_the_address_of_the_client() => Assert.Contains("option forwardfor", Lines);

    private static int Time(string name) => Files.Seconds(Assert.Single(Lines, line => line.StartsWith(name + " ", StringComparison.Ordinal)).Split(' ')[^1]);
}
