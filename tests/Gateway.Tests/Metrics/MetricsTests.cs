using System.Net;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Metrics;

/// <summary>Tests <c>GET /metrics</c>: who may read it, and the metrics of the gateway itself.</summary>
public sealed class MetricsTests
{
    [Fact]
    public async Task Metrics_ContainRequestsAndHealth()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Health.Entries.AddRange(
            [new(HealthKind.Bot, "a", HealthState.Ok), new(HealthKind.Bot, "b", HealthState.Ok), new(HealthKind.Account, "c", HealthState.Cooling)]);
        await host.Http.GetAsync("/health/live");

        using var response = await host.GetMetrics();

        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.True(response.Headers.CacheControl!.NoStore);
        var lines = (await response.Content.ReadAsStringAsync()).Split('\n');
        Assert.Contains("# HELP cozecluster_requests_total HTTP requests answered, by route and status.", lines);
        Assert.Contains("# TYPE cozecluster_requests_total counter", lines);
        Assert.Contains("""cozecluster_requests_total{method="GET",route="/health/live",status="200"} 1""", lines);
        Assert.Contains("# HELP cozecluster_health Bots, accounts and listeners of the fleet by their state; the same on every node.", lines);
        Assert.Contains("# TYPE cozecluster_health gauge", lines);
        Assert.Contains("""cozecluster_health{kind="account",state="cooling"} 1""", lines);
        Assert.Contains("""cozecluster_health{kind="bot",state="ok"} 2""", lines);
    }

    [Fact]
    public async Task Metrics_HealthChanges_ContainOnlyTheStatesOfNow()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Health.Entries.Add(new(HealthKind.Bot, "a", HealthState.Cooling));
        Assert.Contains("""cozecluster_health{kind="bot",state="cooling"} 1""", await Read(host), StringComparison.Ordinal);

        host.Grains.Health.Entries[0] = new(HealthKind.Bot, "a", HealthState.Ok);
        var text = await Read(host);

        Assert.Contains("""cozecluster_health{kind="bot",state="ok"} 1""", text, StringComparison.Ordinal);
        Assert.DoesNotContain("cooling", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_HealthDoesNotAnswer_ContainTheRestAfterTwoSeconds()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Health.Entries.Add(new(HealthKind.Bot, "a", HealthState.Ok));
        await host.Http.GetAsync("/v1/models");
        host.Grains.Health.Answers = new TaskCompletionSource().Task;
        var pending = Read(host);
        await Until.True(() => host.Time.IsArmed(TimeSpan.FromSeconds(2)));

        host.Time.Advance(TimeSpan.FromSeconds(2));
        var text = await pending;

        Assert.Contains("""cozecluster_requests_total{method="GET",route="/v1/models",status="200"} 1""", text, StringComparison.Ordinal);
        Assert.DoesNotContain("cozecluster_health{", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, HttpStatusCode.Unauthorized)]
    [InlineData("sk-wrong", HttpStatusCode.Unauthorized)]
    [InlineData("sk-test", HttpStatusCode.Forbidden)]
    [InlineData("sk-admin", HttpStatusCode.OK)]
    public async Task Metrics_FromThisMachine_RequireAnAdminKey(string? key, HttpStatusCode status)
    {
        await using var host = await GatewayHost.Start();
        using var http = new HttpClient { BaseAddress = host.Http.BaseAddress };
        if (key is not null) http.DefaultRequestHeaders.Add("x-api-key", key);

        using var response = await http.GetAsync("/metrics");

        Assert.Equal(status, response.StatusCode);
    }

    [Fact]
    public async Task Metrics_OtherMethods_AreNotAllowed()
    {
        await using var host = await GatewayHost.Start();

        using var response = await host.Http.PostAsync("/metrics", null);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
    }

    [Fact]
    public async Task Streams_AreCountedWhileTheyRun()
    {
        await using var host = await GatewayHost.Start();
        var pending = host.Stream();
        var conversation = await host.WaitForTurn();
        await conversation.Post(new Cursor(0, 1), Reply.Text("x"));
        using var response = await pending;
        var lines = (await Read(host)).Split('\n');
        Assert.Contains("# TYPE cozecluster_streams_active gauge", lines);
        Assert.Contains("cozecluster_streams_active{} 1", lines);

        await conversation.Post(new Cursor(0, 1), Reply.Stop());
        await SseReader.ReadAll(response);

        while (!(await Read(host)).Contains("cozecluster_streams_active{} 0\n", StringComparison.Ordinal)) await Task.Yield();
    }

    /// <summary>Every gateway exports its own requests only, also when another one in the same process is disposed.</summary>
    [Fact]
    public async Task Metrics_TwoGatewaysInOneProcess_AreSeparate()
    {
        await using var host = await GatewayHost.Start();
        await host.Http.GetAsync("/v1/models");
        await using (var other = await GatewayHost.Start())
        {
            await other.Http.GetAsync("/v1/models");
        }
        await host.Http.GetAsync("/v1/models");

        Assert.Contains("""cozecluster_requests_total{method="GET",route="/v1/models",status="200"} 2""", await Read(host), StringComparison.Ordinal);
    }

    private static async Task<string> Read(GatewayHost host)
    {
        using var response = await host.GetMetrics();
        return await response.Content.ReadAsStringAsync();
    }
}
