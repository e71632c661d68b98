using System.Net;
using System.Net.Http.Headers;
using CozeCluster.Gateway.Surfaces.Admin;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Admin;

/// <summary>Which refused requests the audit log has, and what it says of them.</summary>
public sealed class RefusedRequestsTests
{
    private const string Payment = """{"id":"p","amount":2.5,"at":"2020-01-01T00:00:00Z","note":"invoice 7"}""";

    [Fact]
    public async Task Refused_EqualRequests_AreRecordedOnceAMinute()
    {
        await using var host = await GatewayHost.Start();
        for (var i = 0; i < 3; i++)
        {
            using var response = await Send(host, "sk-viewer", "POST", "/admin/v1/tenants/acme/credit", Payment);
            Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        }
        using var byTenant = await Send(host, "sk-test", "GET", "/admin/v1/turns");
        Assert.Equal(HttpStatusCode.Forbidden, byTenant.StatusCode);

        Assert.Equal(
            ["viewer addCredit permission_denied", "test searchTurns permission_denied"],
            host.Grains.Audit.Entries.Select(entry => $"{entry.Actor.KeyName} {entry.Action} {entry.Outcome}"));

        host.Time.Advance(TimeSpan.FromMinutes(1));
        using var later = await Send(host, "sk-viewer", "POST", "/admin/v1/tenants/acme/credit", Payment);
        Assert.Equal(3, host.Grains.Audit.Entries.Count);
    }

    [Fact]
    public async Task Refused_ByManyKeys_AreRecordedUpToALimitOfEachTenantAndOfAll()
    {
        await using var host = await GatewayHost.Start();
        var tenants = 1 + RefusedRequests.MaxPerMinute / RefusedRequests.MaxOfTenant;
        for (var tenant = 0; tenant < tenants; tenant++)
        {
            for (var i = 0; i <= RefusedRequests.MaxOfTenant; i++)
            {
                host.Grains.Fleet.Keys[GrainKeys.ApiKeyHash($"sk-{tenant}-{i}")] = new ApiKeyInfo($"t{tenant}", $"key-{i}", false);
                using var response = await Send(host, $"sk-{tenant}-{i}", "GET", "/admin/v1/turns");
            }
        }

        var counts = host.Grains.Audit.Entries.CountBy(entry => entry.TenantId!).Select(count => count.Value).ToList();
        Assert.All(counts, count => Assert.Equal(RefusedRequests.MaxOfTenant, count));
        Assert.Equal(RefusedRequests.MaxPerMinute, counts.Sum());
    }

    [Theory]
    [InlineData("sk-viewer", "POST", "/admin/v1/tenants/acme/credit", "tenant acme permission_denied")]
    [InlineData("sk-viewer", "DELETE", "/admin/v1/conversations/acme/a/b", "conversation a/b permission_denied")]
    [InlineData("sk-viewer", "PATCH", "/admin/v1/fleet/tenants/acme/keys/my%20key", "key my key permission_denied")]
    [InlineData("sk-viewer", "POST", "/admin/v1/fleet/bots/b1/release", "bot b1 permission_denied")]
    [InlineData("sk-test", "GET", "/admin/v1/turns", "  permission_denied")]
    [InlineData("sk-tenant-admin", "PATCH", "/admin/v1/fleet/tenants/other/keys/app", "key app not_found")]
    [InlineData("sk-tenant-admin", "DELETE", "/admin/v1/turns/theirs", "turn theirs not_found")]
    public async Task Refused_Request_IsRecordedWithTheThing(string key, string method, string path, string expected)
    {
        await using var host = await GatewayHost.Start();

        using var response = await Send(host, key, method, path, method == "PATCH" ? "{}" : null);

        var entry = Assert.Single(host.Grains.Audit.Entries);
        Assert.Equal(expected, $"{entry.Kind} {entry.ItemId} {entry.Outcome}");
        // The tenant of the key: only its admins and operators see the entry.
        Assert.Equal("acme", entry.TenantId);
    }

    [Theory]
    [InlineData("sk-tenant-admin", "GET", "/admin/v1/turns/theirs")]
    [InlineData("sk-admin", "DELETE", "/admin/v1/turns/none")]
    public async Task NotFound_OfAReadOrAnOperator_IsNotRecorded(string key, string method, string path)
    {
        await using var host = await GatewayHost.Start();

        using var response = await Send(host, key, method, path);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Empty(host.Grains.Audit.Entries);
    }

    private static async Task<HttpResponseMessage> Send(GatewayHost host, string key, string method, string path, string? body = null)
    {
        using var http = new HttpClient { BaseAddress = host.Http.BaseAddress };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = body is null ? null : GatewayHost.Json(body) };
        return await http.SendAsync(request);
    }
}
