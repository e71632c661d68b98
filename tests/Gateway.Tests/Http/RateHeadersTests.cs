using System.Net;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Http;

/// <summary>What is left of limits per minute is in the headers that OpenAI's clients know.</summary>
public sealed class RateHeadersTests
{
    private static readonly RateStatus Rates = new(
        new RateLeft(60, 59, TimeSpan.FromMilliseconds(250)), new RateLeft(9_000_000_000, 0, TimeSpan.FromSeconds(60.2)));

    [Theory(Timeout = 60_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Reply_has_the_headers(bool stream)
    {
        await using var host = await Start(new TurnStart(null, Rates));

        using var response = await host.Chat(GatewayHost.Body(stream ? ",\"stream\":true" : ""));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(
            """
            x-ratelimit-limit-requests: 60
            x-ratelimit-limit-tokens: 9000000000
            x-ratelimit-remaining-requests: 59
            x-ratelimit-remaining-tokens: 0
            x-ratelimit-reset-requests: 250ms
            x-ratelimit-reset-tokens: 1m1s
            """,
            Headers(response));
    }

    [Fact(Timeout = 60_000)]
    public async Task Refusal_has_the_headers_and_says_when_to_retry()
    {
        await using var host = await Start(new TurnStart(null, null));
        var refusal = new Error(ErrorCode.RateLimited, "This tenant is limited.", Until: host.Time.GetUtcNow().AddSeconds(12));
        host.Grains.Started = new TurnStart(refusal, new RateStatus(new RateLeft(60, 0, TimeSpan.FromSeconds(12)), null));

        using var response = await host.Chat(GatewayHost.Body());

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(12), response.Headers.RetryAfter!.Delta);
        Assert.Equal(
            """
            x-ratelimit-limit-requests: 60
            x-ratelimit-remaining-requests: 0
            x-ratelimit-reset-requests: 12s
            """,
            Headers(response));
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("\"code\":\"rate_limit_exceeded\"", body, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task Used_budget_is_not_retried()
    {
        await using var host = await Start(new TurnStart(new Error(ErrorCode.QuotaExceeded, "The budget is used up."), null));

        using var response = await host.Chat(GatewayHost.Body());

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Equal("false", Assert.Single(response.Headers.GetValues("x-should-retry")));
        Assert.Null(response.Headers.RetryAfter);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("\"code\":\"insufficient_quota\"", body, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task Without_limits_nothing_is_said()
    {
        await using var host = await Start(new TurnStart(null, Rates));
        host.Grains.Fleet.TenantLimits = null;

        using var response = await host.Chat(GatewayHost.Body());

        Assert.Equal("", Headers(response));
    }

    private static async Task<GatewayHost> Start(TurnStart started)
    {
        var host = await GatewayHost.Start();
        host.Grains.Fleet.TenantLimits = new LimitsDefinition { RequestsPerMinute = 60 };
        host.Grains.Started = started;
        host.Grains.OnBegin = conversation => conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());
        return host;
    }

    private static string Headers(HttpResponseMessage response) => string.Join('\n', response.Headers
        .Where(header => header.Key.StartsWith("x-ratelimit", StringComparison.Ordinal))
        .OrderBy(header => header.Key, StringComparer.Ordinal)
        .Select(header => $"{header.Key}: {header.Value.Single()}"));
}
