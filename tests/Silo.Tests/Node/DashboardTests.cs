using System.Net;
using System.Net.Http.Headers;
using System.Text;
using CozeCluster.Silo.SandboxMode;

namespace CozeCluster.Silo.Tests.Node;

/// <summary>Requests to the Orleans dashboard of a node.</summary>
public sealed class DashboardTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("node-");
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false });

    public void Dispose()
    {
        _http.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Only_administrators_can_open_it()
    {
        await using var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0");
        var address = await node.Address();

        Assert.Equal(HttpStatusCode.Unauthorized, await Status(address, "/dashboard/", null));
        Assert.Equal(HttpStatusCode.Unauthorized, await Status(address, "/dashboard/", SandboxKeys.Tenant));
        Assert.Equal(HttpStatusCode.OK, await Status(address, "/dashboard", SandboxKeys.Admin));
        Assert.Equal(HttpStatusCode.OK, await Status(address, "/dashboard/index.min.js", SandboxKeys.Admin));
        Assert.Equal(HttpStatusCode.OK, await Status(address, "/dashboard/DashboardCounters", SandboxKeys.Admin));
        // Its routes are mapped now.
        Assert.Equal(HttpStatusCode.Unauthorized, await Status(address, "/dashboard/", null));
        Assert.Equal(HttpStatusCode.Unauthorized, await Status(address, "/dashboard/DashboardCounters", SandboxKeys.Tenant));
    }

    [Fact]
    public async Task Routes_that_call_grains_or_stream_logs_are_not_served()
    {
        await using var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0");
        var address = await node.Address();

        const string GrainCall = "/dashboard/GrainState?grainId=tenant&grainType=CozeCluster.Grains.CatalogGrain";
        Assert.Equal(HttpStatusCode.NotFound, await Status(address, GrainCall, SandboxKeys.Admin));
        Assert.Equal(HttpStatusCode.Forbidden, await Status(address, "/dashboard/Trace", SandboxKeys.Admin));
    }

    [Fact]
    public async Task Disabled_dashboard_is_not_found()
    {
        await using var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0", "--dashboard", "false");

        Assert.Equal(HttpStatusCode.NotFound, await Status(await node.Address(), "/dashboard/", SandboxKeys.Admin));
    }

    private async Task<HttpStatusCode> Status(Uri address, string path, string? key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, path));
        if (key is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"x:{key}")));
        using var response = await _http.SendAsync(request);
        // Follows redirects with the key, as a browser does. HttpClient would omit the key.
        return response.Headers.Location is { } location ? await Status(address, location.OriginalString, key) : response.StatusCode;
    }
}
