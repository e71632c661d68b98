using System.Net;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Health;

public sealed class ReadinessTests
{
    private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Theory]
    [InlineData("/v1/models", "sk-test")]
    [InlineData("/cozecluster/v1/conversations", "sk-test")]
    [InlineData("/admin/health", "sk-admin")]
    public async Task Requests_that_need_grains_get_503_until_the_gateway_is_connected(string path, string key)
    {
        await using var host = await StartNotConnected();
        host.Http.DefaultRequestHeaders.Authorization = new("Bearer", key);

        using (var rejected = await host.Http.GetAsync(path))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, rejected.StatusCode);
            Assert.Equal("try_again", await rejected.ReadError("code"));
            Assert.False(rejected.Headers.Contains("x-should-retry"));
        }

        await Connect(host);
        using var served = await host.Http.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, served.StatusCode);
    }

    [Fact]
    public async Task A_gateway_is_ready_once_it_is_connected()
    {
        await using var host = await StartNotConnected();
        Assert.Equal(HttpStatusCode.OK, await Status(host, "/health/live"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await Status(host, "/health/ready"));

        await Connect(host);

        Assert.Equal(HttpStatusCode.OK, await Status(host, "/health/ready"));
    }

    /// <summary>A silo knows its own grains when the server starts to accept requests.</summary>
    [Fact]
    public async Task Node_with_a_silo_serves_requests_at_once()
    {
        await using var host = await GatewayHost.Start(slowStart: _connected.Task);
        Assert.False(host.Started.IsCompleted);

        Assert.Equal(HttpStatusCode.OK, await Status(host, "/health/ready"));
        Assert.Equal(HttpStatusCode.OK, await Status(host, "/v1/models"));
        await Connect(host);
    }

    [Fact]
    public async Task A_node_is_ready_while_the_fleet_can_be_read()
    {
        await using var host = await GatewayHost.Start();
        Assert.Equal("ok\n", await host.Http.GetStringAsync("/health/live"));
        Assert.Equal("ok\n", await host.Http.GetStringAsync("/health/ready"));

        host.Grains.Fleet.Fault = new ClusterException(ErrorCode.CallRejected, "No answer.");
        for (var i = 0; i < 3; i++) await AssertNotReady(host, "The fleet cannot be read.");
        Assert.Equal(HttpStatusCode.OK, await Status(host, "/health/live"));

        host.Grains.Fleet.Fault = null;
        for (var i = 0; i < 3; i++) Assert.Equal(HttpStatusCode.OK, await Status(host, "/health/ready"));
        const string Warning = "Warning This node is not ready: The fleet cannot be read. No answer.";
        Assert.Single(host.Log.Lines, line => line.StartsWith(Warning, StringComparison.Ordinal));
        Assert.Single(host.Log.Lines, line => line.StartsWith("Information The fleet can be read again", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_node_is_ready_while_its_storage_takes_saves()
    {
        await using var host = await GatewayHost.Start();

        host.Grains.Storage.Reason = "The disk of the data directory is full.";
        await AssertNotReady(host, "The disk of the data directory is full.");
        Assert.Equal(HttpStatusCode.OK, await Status(host, "/health/live"));

        host.Grains.Storage.Reason = null;
        Assert.Equal(HttpStatusCode.OK, await Status(host, "/health/ready"));
    }

    private Task<GatewayHost> StartNotConnected() =>
        GatewayHost.Start(options => options.ServesBeforeConnected = true, new FakeGrains { Connected = false }, slowStart: _connected.Task);

    private Task Connect(GatewayHost host)
    {
        host.Grains.Connected = true;
        _connected.SetResult();
        return host.Started.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private static async Task AssertNotReady(GatewayHost host, string reason)
    {
        using var response = await host.Http.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal($"not ready: {reason}\n", await response.Content.ReadAsStringAsync());
    }

    private static async Task<HttpStatusCode> Status(GatewayHost host, string path)
    {
        using var response = await host.Http.GetAsync(path);
        return response.StatusCode;
    }
}
