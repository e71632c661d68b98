using System.Net;
using System.Net.Http.Headers;
using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.Tests.Node;

/// <summary>The Orleans dashboard of a node.</summary>
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
    public async Task Administrators_see_it_and_nobody_else()
    {
        await using var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0");
        var address = await node.Address();

        Assert.Equal(HttpStatusCode.Unauthorized, await Status(address, "/dashboard/", null));
        Assert.Equal(HttpStatusCode.Unauthorized, await Status(address, "/dashboard/", SandboxKeys.Tenant));
        Assert.Equal(HttpStatusCode.OK, await Status(address, "/dashboard", SandboxKeys.Admin));
        Assert.Equal(HttpStatusCode.OK, await Status(address, "/dashboard/index.min.js", SandboxKeys.Admin));
        Assert.Equal(HttpStatusCode.OK, await Status(address, "/dashboard/DashboardCounters", SandboxKeys.Admin));
        // Also once it is mapped.
        Assert.Equal(HttpStatusCode.Unauthorized, await Status(address, "/dashboard/", null));
        Assert.Equal(HttpStatusCode.Unauthorized, await Status(address, "/dashboard/DashboardCounters", SandboxKeys.Tenant));
    }

    [Fact]
    public async Task It_neither_calls_grains_nor_streams_logs()
    {
        await using var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0");
        var address = await node.Address();

        Assert.Equal(HttpStatusCode.NotFound, await Status(address, "/dashboard/GrainState?grainId=tenant&grainType=CozeCluster.Grains.CatalogGrain", SandboxKeys.Admin));
        Assert.Equal(HttpStatusCode.Forbidden, await Status(address, "/dashboard/Trace", SandboxKeys.Admin));
    }

    [Fact]
    public async Task Switched_off_it_is_not_there()
    {
        await using var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0", "--dashboard", "false");

        Assert.Equal(HttpStatusCode.NotFound, await Status(await node.Address(), "/dashboard/", SandboxKeys.Admin));
    }

    private async Task<HttpStatusCode> Status(Uri address, string path, string? key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, path));
        if (key is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"x:{key}")));
        using var response = await _http.SendAsync(request);
        // As a browser does; the client itself would leave the key out.
        return response.Headers.Location is { } location ? await Status(address, location.OriginalString, key) : response.StatusCode;
    }
}
