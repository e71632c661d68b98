using System.Net;
using System.Net.Http.Headers;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Admin;

public sealed class AdminHealthTests
{
    private static readonly DateTimeOffset Since = new(2026, 3, 1, 8, 0, 0, TimeSpan.FromHours(8));

    [Fact]
    public async Task Admin_GetsHealthOfEverything()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Health.Entries.AddRange(
        [
            new(HealthKind.Bot, "helper", HealthState.Failing)
            {
                Reason = "Coze says: \"no\"", Code = ErrorCode.UpstreamFailed, Since = Since, Until = Since.AddMinutes(5), KeepActive = new(Since, "late"),
            },
            new(HealthKind.Account, "main", HealthState.SetAside) { Since = Since },
            new(HealthKind.Listener, "l1.0", HealthState.Unknown),
        ]);

        using var response = await Get(host, "/admin/health", "sk-admin");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(
            """
            {"object":"list","data":[
            {"kind":"bot","id":"helper","state":"failing","reason":"Coze says: \"no\"","code":"upstream_failed",
            "since":"2026-03-01T00:00:00Z","until":"2026-03-01T00:05:00Z","keep_active":{"at":"2026-03-01T00:00:00Z","error":"late"}},
            {"kind":"account","id":"main","state":"set_aside","reason":null,"code":null,"since":"2026-03-01T00:00:00Z","until":null},
            {"kind":"listener","id":"l1.0","state":"unknown","reason":null,"code":null,"since":null,"until":null}]}
            """.ReplaceLineEndings(""),
            await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData(null, HttpStatusCode.Unauthorized, "invalid_api_key")]
    [InlineData("sk-wrong", HttpStatusCode.Unauthorized, "invalid_api_key")]
    [InlineData("sk-test", HttpStatusCode.Forbidden, "permission_denied")]
    public async Task OtherKeys_AreRejected(string? key, HttpStatusCode status, string code)
    {
        await using var host = await GatewayHost.Start();

        using var response = await Get(host, "/admin/health", key);

        Assert.Equal(status, response.StatusCode);
        Assert.Equal(code, await response.ReadError("code"));
    }

    private static async Task<HttpResponseMessage> Get(GatewayHost host, string path, string? key)
    {
        using var http = new HttpClient { BaseAddress = host.Http.BaseAddress };
        if (key is not null) http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return await http.GetAsync(path);
    }
}
