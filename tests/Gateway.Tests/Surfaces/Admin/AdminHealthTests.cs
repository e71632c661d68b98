using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
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
            {"kind":"listener","id":"l1.0","state":"unknown","reason":null,"code":null,"since":null,"until":null}],
            "fleet":{"version":7,"state":"current","confirmed_at":"2023-11-14T22:13:20Z","processes":0,"unconfirmed":[]}}
            """.ReplaceLineEndings(""),
            await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Bot_AllAccountsAreBotsOnDiscord_HasAWarning()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Fleet.BotUpstream = UpstreamNames.Discord;
        host.Grains.Health.Entries.AddRange([new(HealthKind.Bot, "hosted", HealthState.Ok), new(HealthKind.Account, "hosted", HealthState.Ok)]);

        using var response = await Get(host, "/admin/health", "sk-admin");

        var entries = JsonNode.Parse(await response.Content.ReadAsStringAsync())!["data"]!.AsArray();
        Assert.StartsWith("The bot 'hosted' gets no replies", entries[0]!["warning"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Null(entries[1]!["warning"]);
    }

    [Fact]
    public async Task Fleet_ListsProcessesThatUseAnOlderVersion()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Catalog.Status = new FleetStatus(8, [new("new-1", 8, Since), new("old-2", 7, Since)]);

        using var response = await Get(host, "/admin/health", "sk-admin");

        Assert.Contains(
            """
            "fleet":{"version":7,"state":"current","confirmed_at":"2023-11-14T22:13:20Z","processes":2,
            "unconfirmed":[{"process":"old-2","version":7,"confirmed_at":"2026-03-01T00:00:00Z"}]}
            """.ReplaceLineEndings(""),
            await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fleet_CatalogDoesNotAnswer_IsDegraded()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Fleet.Status = new FleetViewStatus(FleetViewState.Degraded, Since);
        host.Grains.Catalog.Fault = new ClusterException(ErrorCode.CallRejected, "No answer.");

        using var response = await Get(host, "/admin/health", "sk-admin");

        Assert.Contains(
            "\"fleet\":{\"version\":7,\"state\":\"degraded\",\"confirmed_at\":\"2026-03-01T00:00:00Z\",\"processes\":null,\"unconfirmed\":[]}",
            await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
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
