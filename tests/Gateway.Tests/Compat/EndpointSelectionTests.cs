using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Tests.Fakes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Tests.Compat;

public sealed class EndpointSelectionTests
{
    [Theory]
    [InlineData("/old/v1/models", "old")]
    [InlineData("/old/v1/v1/models", "old")]
    [InlineData("/v1/models", "standard")]
    [InlineData("/v1/v1/models", "standard")]
    [InlineData("//v1/models", "standard")]
    [InlineData("/v1//v1/models", "standard")]
    [InlineData("/old//v1/models", "old")]
    public async Task Path_ChoosesTheRouteOfItsEndpoint(string path, string expected)
    {
        await using var host = await Start(new EndpointDefinition { Id = "old", Path = "/old", Compat = CompatMode.Rca });

        var answer = await host.Http.GetAsync(Absolute(host, path));

        Assert.Equal(expected, await WhoAnswered(answer));
    }

    [Theory]
    [InlineData("//metrics", "sk-admin", HttpStatusCode.NotFound)]
    [InlineData("//admin/v1/nodes", "sk-admin", HttpStatusCode.NotFound)]
    [InlineData("/v1//models", "sk-test", HttpStatusCode.NotFound)]
    [InlineData("//v1/models", "sk-unknown", HttpStatusCode.Unauthorized)]
    [InlineData("//v1/models", null, HttpStatusCode.Unauthorized)]
    public async Task Path_OnlyTheVersionIsRepairedAndNeedsItsKey(string path, string? key, HttpStatusCode expected)
    {
        await using var host = await Start();
        host.Http.DefaultRequestHeaders.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);

        Assert.Equal(expected, (await host.Http.GetAsync(Absolute(host, path))).StatusCode);
    }

    [Fact]
    public async Task Port_ChoosesTheRouteOfItsEndpoint()
    {
        await using var host = await Start();
        Assert.Equal("standard", await WhoAnswered(await host.Http.GetAsync("/v1/models")));

        SetEndpoints(host, new EndpointDefinition { Id = "old", Port = host.Http.BaseAddress!.Port, Compat = CompatMode.Rca });

        Assert.Equal("old", await WhoAnswered(await host.Http.GetAsync("/v1/models")));
    }

    [Fact]
    public async Task Host_IsMoreThanNothingAndLessThanHostAndPath()
    {
        await using var host = await Start(
            new EndpointDefinition { Id = "host", Host = "old.example.com", Compat = CompatMode.Rca },
            new EndpointDefinition { Id = "both", Host = "old.example.com", Path = "/none" });

        Assert.Equal("standard", await WhoAnswered(await host.Http.GetAsync("/v1/models")));
        Assert.Equal("old", await WhoAnswered(await Get(host, "/v1/models", "old.example.com")));
        Assert.Equal("old", await WhoAnswered(await Get(host, "/v1/models", "OLD.example.com:7077")));
        Assert.Equal("standard", await WhoAnswered(await Get(host, "/none/v1/models", "old.example.com")));
    }

    [Fact]
    public async Task Key_ChoosesWhereNoEndpointDoes()
    {
        await using var host = await Start();
        host.Grains.Fleet.Keys[GrainKeys.ApiKeyHash("sk-old")] = new ApiKeyInfo("acme", "old", false) { Compat = CompatMode.Rca };
        host.Grains.Fleet.Endpoints = FleetEndpoints.None with { HasCompatKeys = true };

        Assert.Equal("standard", await WhoAnswered(await host.Http.GetAsync("/v1/models")));
        host.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "sk-old");
        Assert.Equal("old", await WhoAnswered(await host.Http.GetAsync("/v1/models")));
    }

    [Fact]
    public async Task RouteOfAnotherMode_IsNotFound()
    {
        await using var host = await Start(
            new EndpointDefinition { Id = "old", Path = "/old", Compat = CompatMode.Rca },
            new EndpointDefinition { Id = "ccp", Path = "/ccp", Compat = CompatMode.Ccp });

        Assert.Equal(HttpStatusCode.OK, (await host.Http.GetAsync("/old/only-old")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await host.Http.GetAsync("/only-old")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await host.Http.GetAsync("/ccp/only-old")).StatusCode);
    }

    [Theory]
    [InlineData(null, HttpStatusCode.OK)]
    [InlineData("sk-anything", HttpStatusCode.OK)]
    [InlineData("sk-test", HttpStatusCode.OK)]
    [InlineData("sk-admin", HttpStatusCode.Forbidden)]
    public async Task Anonymous_AcceptsMissingAndUnknownKeys(string? key, HttpStatusCode expected)
    {
        await using var host = await Start(new EndpointDefinition { Id = "open", Path = "/open", Anonymous = "acme" });
        host.Http.DefaultRequestHeaders.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);

        Assert.Equal(expected, (await host.Http.GetAsync("/open/v1/models")).StatusCode);
        if (expected == HttpStatusCode.OK && key != "sk-test") Assert.Equal(HttpStatusCode.Unauthorized, (await host.Http.GetAsync("/v1/models")).StatusCode);
        Assert.Equal(key == "sk-admin", (await host.Http.GetAsync("/open/metrics")).StatusCode == HttpStatusCode.OK);
    }

    [Fact]
    public async Task Limit_IsForEachEndpointAndMinute()
    {
        await using var host = await Start(
            new EndpointDefinition { Id = "a", Path = "/a", RequestsPerMinute = 2 }, new EndpointDefinition { Id = "b", Path = "/b", RequestsPerMinute = 1 });

        Assert.Equal(HttpStatusCode.OK, (await host.Http.GetAsync("/a/v1/models")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await host.Http.GetAsync("/a/v1/models")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await host.Http.GetAsync("/b/v1/models")).StatusCode);
        using var limited = await host.Http.GetAsync("/a/v1/models");
        Assert.Equal(HttpStatusCode.TooManyRequests, limited.StatusCode);
        Assert.NotNull(limited.Headers.RetryAfter);
        Assert.Equal(HttpStatusCode.OK, (await host.Http.GetAsync("/v1/models")).StatusCode);
        host.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(HttpStatusCode.OK, (await host.Http.GetAsync("/a/v1/models")).StatusCode);
    }

    [Theory]
    [InlineData("192.0.2.1", null, EndpointDefinition.AnonymousRequestsPerMinute)]
    [InlineData("192.0.2.1", 130, 130)]
    [InlineData("192.0.2.1", 2, 2)]
    [InlineData("127.0.0.1", null, null)]
    [InlineData("127.0.0.1", 2, 2)]
    public async Task Anonymous_OtherMachines_HaveALimitUnlessTheEndpointSetsOne(string address, int? set, int? expected)
    {
        await using var host = await Start(new EndpointDefinition { Id = "open", Path = "/open", Anonymous = "acme", RequestsPerMinute = set });
        host.Http.DefaultRequestHeaders.Authorization = null;
        host.Http.DefaultRequestHeaders.Add(ClientAddress.Header, address);

        for (var i = 0; i < (expected ?? EndpointDefinition.AnonymousRequestsPerMinute); i++)
            Assert.Equal(HttpStatusCode.OK, (await host.Http.GetAsync("/open/v1/models")).StatusCode);
        var next = await host.Http.GetAsync("/open/v1/models");

        Assert.Equal(expected is null ? HttpStatusCode.OK : HttpStatusCode.TooManyRequests, next.StatusCode);
    }

    [Fact]
    public async Task EndpointWithoutAnonymous_HasNoLimitOfItsOwn()
    {
        await using var host = await Start(new EndpointDefinition { Id = "old", Path = "/old", Compat = CompatMode.Rca });
        host.Http.DefaultRequestHeaders.Add(ClientAddress.Header, "192.0.2.1");

        for (var i = 0; i <= EndpointDefinition.AnonymousRequestsPerMinute; i++)
            Assert.Equal(HttpStatusCode.OK, (await host.Http.GetAsync("/old/v1/models")).StatusCode);
    }

    [Theory]
    [InlineData("127.0.0.0/8", HttpStatusCode.OK)]
    [InlineData("10.0.0.0/8", HttpStatusCode.Forbidden)]
    public async Task Networks_LimitWhoMayCall(string network, HttpStatusCode expected)
    {
        await using var host = await Start(new EndpointDefinition { Id = "a", Path = "/a", Networks = [network] });

        Assert.Equal(expected, (await host.Http.GetAsync("/a/v1/models")).StatusCode);
    }

    private static async Task<GatewayHost> Start(params EndpointDefinition[] endpoints)
    {
        var host = await GatewayHost.Start(addServices: static services => services.AddSingleton<IStartupFilter, ClientAddress>(), map: app =>
        {
            app.MapGet("/v1/models", Answer).WithMetadata(new CompatRoute(CompatMode.Rca), TenantRoute.Instance);
            app.MapGet("/only-old", Answer).WithMetadata(new CompatRoute(CompatMode.Rca));
        });
        SetEndpoints(host, endpoints);
        return host;
    }

    private static Task Answer(HttpContext context) => context.Response.WriteAsync("""{"by":"old"}""");

    private static void SetEndpoints(GatewayHost host, params EndpointDefinition[] endpoints) =>
        host.Grains.Fleet.Endpoints = new FleetEndpoints(endpoints, HasCompatKeys: false);

    // A relative address that begins with two slashes would name another host.
    private static Uri Absolute(GatewayHost host, string path) => new(host.Http.BaseAddress!.GetLeftPart(UriPartial.Authority) + path);

    private static Task<HttpResponseMessage> Get(GatewayHost host, string path, string name) =>
        host.Http.SendAsync(new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Host = name } });

    private static async Task<string> WhoAnswered(HttpResponseMessage response)
    {
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return body.RootElement.TryGetProperty("by", out var by) ? by.GetString()! : "standard";
    }

    /// <summary>Lets a request come from any address: the one in its header.</summary>
    private sealed class ClientAddress : IStartupFilter
    {
        public const string Header = "x-test-address";

        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(static (HttpContext context, RequestDelegate next) =>
            {
                if (context.Request.Headers[Header].ToString() is { Length: > 0 } address) context.Connection.RemoteIpAddress = IPAddress.Parse(address);
                return next(context);
            });
            next(app);
        };
    }
}
