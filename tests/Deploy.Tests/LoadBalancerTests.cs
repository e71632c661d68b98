namespace CozeCluster.Deploy.Tests;

public sealed class LoadBalancerTests
{
    private static readonly List<string> Lines =
        [.. Files.Read("deploy/loadbalancer.conf").Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#')];

    /// <summary>Where nothing was sent, something else may be tried; nowhere else.</summary>
    [Fact]
    public void No_request_is_sent_twice() => Assert.Equal("retry-on conn-failure", Assert.Single(Lines, line => line.StartsWith("retry-on", StringComparison.Ordinal)));

    [Fact]
    public void It_waits_longer_than_replies_take()
    {
        // docs/fleet.example.yaml: total: 15m.
        Assert.True(Time("timeout client") > 15 * 60);
        Assert.True(Time("timeout server") > 15 * 60);
    }

    [Fact]
    public void It_holds_nothing_back_and_ties_nobody_to_a_gateway()
    {
        Assert.Contains("option http-no-delay", Lines);
        Assert.DoesNotContain(Lines, line => line.Contains("http-buffer", StringComparison.Ordinal) || line.StartsWith("compression", StringComparison.Ordinal));
        Assert.DoesNotContain(Lines, line => line.StartsWith("cookie", StringComparison.Ordinal) || line.StartsWith("stick", StringComparison.Ordinal));
    }

    [Fact]
    public void It_asks_gateways_whether_they_take_turns_and_leaves_running_streams_alone()
    {
        Assert.Contains("http-check send meth GET uri /health/ready", Lines);
        Assert.DoesNotContain(Lines, line => line.Contains("on-marked-down", StringComparison.Ordinal));
    }

    /// <summary>Without it every request would look like one from the gateway's own machine, where /metrics needs no key.</summary>
    [Fact]
    public void Gateways_are_told_of_the_client() => Assert.Contains("option forwardfor", Lines);

    private static int Time(string name) => Files.Seconds(Assert.Single(Lines, line => line.StartsWith(name + " ", StringComparison.Ordinal)).Split(' ')[^1]);
}
