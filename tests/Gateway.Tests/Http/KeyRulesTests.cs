using System.Net;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Http;

/// <summary>A valid key is refused when it is disabled, has expired, comes from another address, or asks for another model.</summary>
public sealed class KeyRulesTests
{
    private static readonly string Hash = GrainKeys.ApiKeyHash("sk-test");

    [Fact(Timeout = 60_000)]
    public async Task Disabled_key_gets_401()
    {
        await using var host = await GatewayHost.Start();
        Set(host, key => key with { Disabled = true });

        var (status, body) = await Models(host);

        Assert.Equal(HttpStatusCode.Unauthorized, status);
        Assert.Contains("disabled", body, StringComparison.Ordinal);
        Assert.Contains("invalid_api_key", body, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task Key_is_valid_until_it_expires()
    {
        await using var host = await GatewayHost.Start();
        Set(host, key => key with { ExpiresAt = host.Time.GetUtcNow().AddMinutes(1) });
        Assert.Equal(HttpStatusCode.OK, (await Models(host)).Status);

        host.Time.Advance(TimeSpan.FromMinutes(1));

        var (status, body) = await Models(host);
        Assert.Equal(HttpStatusCode.Unauthorized, status);
        Assert.Contains("expired", body, StringComparison.Ordinal);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("127.0.0.0/8", HttpStatusCode.OK)]
    [InlineData("10.0.0.0/8", HttpStatusCode.Forbidden)]
    [InlineData("not a range", HttpStatusCode.Forbidden)]
    public async Task Key_is_valid_for_its_addresses(string range, HttpStatusCode expected)
    {
        await using var host = await GatewayHost.Start();
        Set(host, key => key with { IpRanges = ["2001:db8::/32", range] });

        Assert.Equal(expected, (await Models(host)).Status);
    }

    [Fact(Timeout = 60_000)]
    public async Task Key_sees_and_uses_its_models_only()
    {
        await using var host = await GatewayHost.Start();
        Set(host, key => key with { Models = ["bot"] });

        Assert.DoesNotContain("team/bot 1", (await Models(host)).Body, StringComparison.Ordinal);
        using var read = await host.Http.GetAsync("/v1/models/team/bot%201", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, read.StatusCode);
        using var chat = new StringContent("""{"model":"team/bot 1","messages":[{"role":"user","content":"Hi"}]}""", null, "application/json");
        using var refused = await host.Http.PostAsync("/v1/chat/completions", chat, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        Assert.Contains("model_not_found", await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private static void Set(GatewayHost host, Func<ApiKeyInfo, ApiKeyInfo> change) => host.Grains.Fleet.Keys[Hash] = change(host.Grains.Fleet.Keys[Hash]);

    private static async Task<(HttpStatusCode Status, string Body)> Models(GatewayHost host)
    {
        using var response = await host.Http.GetAsync("/v1/models", TestContext.Current.CancellationToken);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
