using System.Net;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Http;

/// <summary>The behaviour that all surfaces have in common.</summary>
public sealed class AllSurfacesTests
{
    [Theory]
    [InlineData("GET", "/nowhere", 404, "not_found")]
    [InlineData("POST", "/v1/nowhere", 404, "not_found")]
    [InlineData("GET", "/v1/chat/completions", 405, "method_not_allowed")]
    [InlineData("DELETE", "/v1/models", 405, "method_not_allowed")]
    public async Task Unknown_paths_and_methods_have_OpenAI_bodies(string method, string path, int status, string code)
    {
        await using var host = await GatewayHost.Start();
        using var response = await host.Http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));

        Assert.Equal(status, (int)response.StatusCode);
        var error = await response.ReadError();
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.Equal("invalid_request_error", error.GetProperty("type").GetString());
        Assert.NotEmpty(response.Headers.GetValues("x-request-id"));
        if (status == 405) Assert.NotEmpty(response.Content.Headers.Allow);
    }

    [Fact]
    public async Task Keys_are_accepted_only_on_their_routes()
    {
        await using var host = await GatewayHost.Start();
        Assert.Equal((HttpStatusCode.Unauthorized, "invalid_api_key"), await Try(host, null));
        Assert.Equal((HttpStatusCode.Unauthorized, "invalid_api_key"), await Try(host, r => r.Headers.Authorization = new("Bearer", "sk-wrong")));
        Assert.Equal((HttpStatusCode.Unauthorized, "invalid_api_key"), await Try(host, r => r.Headers.Authorization = new("Basic", "sk-test")));
        Assert.Equal((HttpStatusCode.Forbidden, "permission_denied"), await Try(host, r => r.Headers.Authorization = new("Bearer", "sk-admin")));
        Assert.Equal((HttpStatusCode.OK, null), await Try(host, r => r.Headers.Authorization = new("bearer", "sk-test")));
        Assert.Equal((HttpStatusCode.OK, null), await Try(host, r => r.Headers.TryAddWithoutValidation("Authorization", "sk-test")));
        Assert.Equal((HttpStatusCode.OK, null), await Try(host, r => r.Headers.Add("x-api-key", "sk-test")));
        Assert.Equal((HttpStatusCode.OK, null), await Try(host, r => r.Headers.Add("api-key", "sk-test")));
    }

    [Fact]
    public async Task A_key_is_looked_up_once_a_second()
    {
        await using var host = await GatewayHost.Start();
        for (var i = 0; i < 3; i++) await host.Http.GetAsync("/v1/models");
        Assert.Equal(1, host.Grains.Catalog.KeyLookups);

        host.Time.Advance(TimeSpan.FromSeconds(1.1));
        host.Grains.Catalog.Keys.Clear();

        Assert.Equal(HttpStatusCode.Unauthorized, (await host.Http.GetAsync("/v1/models")).StatusCode);
    }

    [Fact]
    public async Task Request_ids_of_clients_are_used_if_they_are_valid()
    {
        await using var host = await GatewayHost.Start();
        Assert.Equal("abc-1.2", await RequestId(host, "abc-1.2"));
        Assert.StartsWith("req_", await RequestId(host, "bad id"), StringComparison.Ordinal);
        Assert.StartsWith("req_", await RequestId(host, new string('a', 200)), StringComparison.Ordinal);
        Assert.NotEqual(await RequestId(host, null), await RequestId(host, null));
    }

    [Fact]
    public async Task Every_origin_may_call_unless_origins_are_configured()
    {
        await using var open = await GatewayHost.Start();
        using var preflight = await Cors(open, HttpMethod.Options, "https://a.test");
        Assert.Equal(HttpStatusCode.NoContent, preflight.StatusCode);
        Assert.Equal("*", preflight.Headers.GetValues("access-control-allow-origin").Single());
        Assert.Contains("authorization", preflight.Headers.GetValues("access-control-allow-headers").Single(), StringComparison.OrdinalIgnoreCase);
        using var call = await Cors(open, HttpMethod.Get, "https://a.test");
        Assert.Contains("x-turn-id", call.Headers.GetValues("access-control-expose-headers").Single(), StringComparison.Ordinal);

        open.Http.DefaultRequestHeaders.Authorization = null;
        using var rejected = await Cors(open, HttpMethod.Get, "https://a.test");
        Assert.Equal((HttpStatusCode.Unauthorized, "*"), (rejected.StatusCode, rejected.Headers.GetValues("access-control-allow-origin").Single()));

        await using var closed = await GatewayHost.Start(options => options.CorsOrigins.Add("https://b.test"));
        using var foreign = await Cors(closed, HttpMethod.Get, "https://a.test");
        Assert.False(foreign.Headers.Contains("access-control-allow-origin"));
        using var known = await Cors(closed, HttpMethod.Get, "https://b.test");
        Assert.Equal("https://b.test", known.Headers.GetValues("access-control-allow-origin").Single());
    }

    [Fact]
    public async Task Invalid_options_prevent_the_start()
    {
        var exception = await Assert.ThrowsAsync<Microsoft.Extensions.Options.OptionsValidationException>(
            () => GatewayHost.Start(options => options.KeepAlive = TimeSpan.Zero));
        Assert.Contains("KeepAlive", exception.Message, StringComparison.Ordinal);
    }

    private static async Task<(HttpStatusCode, string?)> Try(GatewayHost host, Action<HttpRequestMessage>? change)
    {
        using var http = new HttpClient { BaseAddress = host.Http.BaseAddress };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        change?.Invoke(request);
        using var response = await http.SendAsync(request);
        var json = await response.ReadJson();
        return (response.StatusCode, json.TryGetProperty("error", out var error) ? error.GetProperty("code").GetString() : null);
    }

    private static async Task<string> RequestId(GatewayHost host, string? given)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/health/live");
        if (given is not null) request.Headers.Add("x-request-id", given);
        using var response = await host.Http.SendAsync(request);
        return response.Headers.GetValues("x-request-id").Single();
    }

    private static Task<HttpResponseMessage> Cors(GatewayHost host, HttpMethod method, string origin)
    {
        var request = new HttpRequestMessage(method, "/v1/models");
        request.Headers.Add("origin", origin);
        if (method == HttpMethod.Options)
        {
            request.Headers.Add("access-control-request-method", "GET");
            request.Headers.Add("access-control-request-headers", "authorization");
            request.Headers.Authorization = null;
        }
        return host.Http.SendAsync(request);
    }
}
