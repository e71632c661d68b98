using System.Net;
using System.Text.Json;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Health;

public sealed class ReadinessTests
{
    private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Theory]
    [InlineData("/v1/models", "sk-test")]
    [InlineData("/v1/conversations", "sk-test")]
    [InlineData("/admin/health", "sk-admin")]
    public async Task Requests_that_need_grains_get_503_until_the_gateway_is_connected(string path, string key)
    {
        await using var host = await NotConnected();
        host.Http.DefaultRequestHeaders.Authorization = new("Bearer", key);

        using (var refused = await host.Http.GetAsync(path))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            var error = JsonDocument.Parse(await refused.Content.ReadAsStringAsync()).RootElement.GetProperty("error");
            Assert.Equal("try_again", error.GetProperty("code").GetString());
            Assert.False(refused.Headers.Contains("x-should-retry"));
        }

        await Connect(host);
        using var served = await host.Http.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, served.StatusCode);
    }

    [Fact]
    public async Task A_gateway_is_ready_once_it_is_connected()
    {
        await using var host = await NotConnected();
        Assert.Equal(HttpStatusCode.OK, await Status(host, "/health/live"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await Status(host, "/health/ready"));

        await Connect(host);

        Assert.Equal(HttpStatusCode.OK, await Status(host, "/health/ready"));
    }

    [Fact]
    public async Task A_gateway_reports_metrics_before_it_is_connected()
    {
        await using var host = await NotConnected();
        await host.Http.GetAsync("/v1/models");

        Assert.Contains("""cozecluster_requests_total{method="GET",route="/v1/models",status="503"} """, await host.Http.GetStringAsync("/metrics"), StringComparison.Ordinal);
        await Connect(host);
    }

    /// <summary>A silo knows its own grains when the server begins to listen.</summary>
    [Fact]
    public async Task A_node_with_a_silo_serves_requests_as_soon_as_it_listens()
    {
        await using var host = await GatewayHost.Start(others: _connected.Task);
        Assert.False(host.Started.IsCompleted);

        Assert.Equal(HttpStatusCode.OK, await Status(host, "/health/ready"));
        Assert.Equal(HttpStatusCode.OK, await Status(host, "/v1/models"));
        await Connect(host);
    }

    private Task<GatewayHost> NotConnected() =>
        GatewayHost.Start(options => options.ListensBeforeConnected = true, new FakeGrains { Connected = false }, others: _connected.Task);

    private Task Connect(GatewayHost host)
    {
        host.Grains.Connected = true;
        _connected.SetResult();
        return host.Started.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private static async Task<HttpStatusCode> Status(GatewayHost host, string path)
    {
        using var response = await host.Http.GetAsync(path);
        return response.StatusCode;
    }
}
