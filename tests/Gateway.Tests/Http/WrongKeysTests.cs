using System.Net;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Tests.Fakes;
using CozeCluster.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Gateway.Tests.Http;

/// <summary>Wrong API keys are limited for each client address.</summary>
public sealed class WrongKeysTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public async Task Wrong_keys_get_429_after_a_number_of_them_and_valid_keys_are_accepted()
    {
        await using var host = await GatewayHost.Start();
        for (var i = 0; i < WrongKeys.Limit; i++)
        {
            using var wrong = await Models(host, $"sk-wrong-{i}");
            Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        }

        using var limited = await Models(host, "sk-wrong");
        using var valid = await Models(host, "sk-test");
        using var otherValid = await Models(host, "sk-other");

        Assert.Equal(HttpStatusCode.TooManyRequests, limited.StatusCode);
        Assert.Equal(AddressCounts.Window, limited.Headers.RetryAfter!.Delta);
        Assert.Contains("Too many wrong API keys", await limited.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (valid.StatusCode, otherValid.StatusCode));

        host.Time.Advance(AddressCounts.Window);
        using var later = await Models(host, "sk-wrong");
        Assert.Equal(HttpStatusCode.Unauthorized, later.StatusCode);
    }

    [Fact]
    public async Task Wrong_admin_keys_count_and_the_operator_is_told_once()
    {
        await using var host = await GatewayHost.Start();
        for (var i = 0; i < WrongKeys.Limit + 10; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/admin/health") { Headers = { Authorization = new("Bearer", $"sk-{i}") } };
            using var response = await host.Http.SendAsync(request);
            Assert.Equal(i < WrongKeys.Limit ? HttpStatusCode.Unauthorized : HttpStatusCode.TooManyRequests, response.StatusCode);
        }

        var warning = Assert.Single(host.Log.Lines, line => line.Contains("wrong API keys", StringComparison.Ordinal));
        Assert.StartsWith("Warning The client address 127.0.0.1 ", warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_without_a_key_and_keys_without_the_right_are_no_wrong_keys()
    {
        await using var host = await GatewayHost.Start();
        for (var i = 0; i < WrongKeys.Limit + 1; i++)
        {
            using var without = await Models(host, null);
            using var admin = await Models(host, "sk-admin");
            Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden), (without.StatusCode, admin.StatusCode));
        }
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:2::1", false)]
    [InlineData("0.0.0.1", "::1", false)]
    public void Addresses_of_one_client_are_counted_together(string one, string other, bool together)
    {
        var keys = NewKeys();
        for (var i = 0; i < WrongKeys.Limit; i++) Assert.Null(keys.Add(IPAddress.Parse(one)));

        Assert.Equal(together, keys.Add(IPAddress.Parse(other)) is not null);
    }

    [Fact]
    public void The_number_of_addresses_in_memory_is_bounded()
    {
        var keys = NewKeys();
        for (var i = 0; i < AddressCounts.MaxAddresses; i++) keys.Add(new IPAddress(i));

        // Addresses without room share one count.
        for (var i = 0; i < WrongKeys.Limit; i++) Assert.Null(keys.Add(new IPAddress(AddressCounts.MaxAddresses + i)));
        Assert.NotNull(keys.Add(new IPAddress(2 * AddressCounts.MaxAddresses)));
        Assert.Equal(AddressCounts.MaxAddresses, keys.Addresses);

        _time.Advance(AddressCounts.Window);
        Assert.Null(keys.Add(new IPAddress(3 * AddressCounts.MaxAddresses)));
        Assert.Equal(1, keys.Addresses);
    }

    private static Task<HttpResponseMessage> Models(GatewayHost host, string? key)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.TryAddWithoutValidation("Authorization", key is null ? "Basic eDp5" : $"Bearer {key}");
        return host.Http.SendAsync(request);
    }

    private WrongKeys NewKeys() => new(_time, NullLogger<WrongKeys>.Instance);
}
