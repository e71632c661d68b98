using System.Net;
using System.Net.Http.Headers;
using System.Text;
using CozeCluster.Gateway.Tests.Fakes;
using Microsoft.AspNetCore.Builder;

namespace CozeCluster.Gateway.Tests.Surfaces.Admin;

/// <summary>Routes for operators that are opened with a browser.</summary>
public sealed class AdminPagesTests
{
    [Theory]
    [InlineData("anybody:sk-admin", HttpStatusCode.OK)]
    [InlineData(":sk-admin", HttpStatusCode.OK)]
    [InlineData("anybody:sk-viewer", HttpStatusCode.OK)]
    [InlineData("anybody:sk-tenant-admin", HttpStatusCode.Unauthorized)]
    [InlineData("anybody:sk-wrong", HttpStatusCode.Unauthorized)]
    [InlineData("anybody:sk-test", HttpStatusCode.Unauthorized)]
    [InlineData("sk-admin:", HttpStatusCode.Unauthorized)]
    [InlineData(null, HttpStatusCode.Unauthorized)]
    public async Task Page_AcceptsAdminKeyAsPassword(string? credentials, HttpStatusCode expected)
    {
        await using var host = await StartWithPage();

        var authorization = credentials is null ? null
            : new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials)));
        using var response = await Get(host, "/page", authorization);

        Assert.Equal(expected, response.StatusCode);
        if (expected == HttpStatusCode.Unauthorized) Assert.Equal("Basic", Assert.Single(response.Headers.WwwAuthenticate).Scheme);
    }

    [Fact]
    public async Task Page_AcceptsAdminKeyAsBearer()
    {
        await using var host = await StartWithPage();

        using var response = await Get(host, "/page", new("Bearer", "sk-admin"));

        Assert.Equal("secret", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("not base64")]
    [InlineData("")]
    public async Task Page_InvalidCredentials_AreRejected(string credentials)
    {
        await using var host = await StartWithPage();

        using var response = await Get(host, "/page", new("Basic", credentials));

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task Api_DoesNotAcceptPassword()
    {
        await using var host = await StartWithPage();

        using var response = await Get(host, "/admin/health", new("Basic", Convert.ToBase64String("x:sk-admin"u8)));

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("Bearer", Assert.Single(response.Headers.WwwAuthenticate).Scheme);
    }

    private static Task<GatewayHost> StartWithPage() => GatewayHost.Start(map: app => app.MapGet("/page", () => "secret").RequireViewer());

    private static async Task<HttpResponseMessage> Get(GatewayHost host, string path, AuthenticationHeaderValue? authorization)
    {
        using var http = new HttpClient { BaseAddress = host.Http.BaseAddress };
        http.DefaultRequestHeaders.Authorization = authorization;
        return await http.GetAsync(path);
    }
}
