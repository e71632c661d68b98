using System.Net;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Discord;
using CozeCluster.TestKit;

namespace CozeCluster.Sandbox.Tests.Discord;

public sealed class RateLimitTests
{
    [Fact]
    public async Task Messages_AreLimitedToFivePerFiveSecondsAndChannel()
    {
        var time = new ManualTime();
        await using var client = await DiscordClient.StartAsync(time: time);

        for (var left = 4; left >= 0; left--)
        {
            var sent = await client.SendAsync(DiscordClient.Account, "x");
            Assert.Equal(("5", $"{left}"), (sent.Header("X-RateLimit-Limit"), sent.Header("X-RateLimit-Remaining")));
        }
        time.Advance(TimeSpan.FromSeconds(3));
        var refused = await client.SendAsync(DiscordClient.Account, "x");
        var elsewhere = await client.SendAsync(DiscordClient.Account, "x", DiscordClient.Guild.FixedId);
        var somebodyElse = await client.SendAsync(DiscordSeeds.Accounts[1], "x");
        time.Advance(TimeSpan.FromSeconds(2));
        var later = await client.SendAsync(DiscordClient.Account, "x");

        Assert.Equal(HttpStatusCode.TooManyRequests, refused.Status);
        Assert.Equal(2.0, refused.Body!["retry_after"]!.GetValue<double>());
        Assert.False(refused.Body["global"]!.GetValue<bool>());
        Assert.Equal(("2", "user"), (refused.Header("Retry-After"), refused.Header("X-RateLimit-Scope")));
        Assert.Equal(("2.000", "0"), (refused.Header("X-RateLimit-Reset-After"), refused.Header("X-RateLimit-Remaining")));
        Assert.All([elsewhere, somebodyElse, later], answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        Assert.Equal(1, client.Discord.Records.Count(DiscordRecordKind.RateLimited));
    }

    [Fact]
    public async Task GlobalLimit_IsReportedInHeadersAndBody()
    {
        var time = new ManualTime();
        await using var client = await DiscordClient.StartAsync(time: time);
        for (var i = 0; i < 50; i++) await client.GetAsync(DiscordClient.Listener, i % 2 == 0 ? "/users/@me" : "/gateway/bot");

        var refused = await client.GetAsync(DiscordClient.Listener, "/users/@me");
        time.Advance(TimeSpan.FromSeconds(1));
        var later = await client.GetAsync(DiscordClient.Listener, "/users/@me");

        Assert.Equal(HttpStatusCode.TooManyRequests, refused.Status);
        Assert.True(refused.Body!["global"]!.GetValue<bool>());
        Assert.Equal(("true", "global"), (refused.Header("X-RateLimit-Global"), refused.Header("X-RateLimit-Scope")));
        Assert.Equal(HttpStatusCode.OK, later.Status);
    }

    [Fact]
    public async Task Renames_AreLimitedToTwoPerTenMinutes()
    {
        await using var client = await DiscordClient.StartAsync(time: new ManualTime());
        var path = $"/channels/{DiscordClient.Guild.FixedId}";

        await client.RequestAsync(DiscordClient.Listener, "PATCH", path, new JsonObject { ["name"] = "a" });
        await client.RequestAsync(DiscordClient.Listener, "PATCH", path, new JsonObject { ["topic"] = "b" });
        var third = await client.RequestAsync(DiscordClient.Listener, "PATCH", path, new JsonObject { ["name"] = "c" });
        var other = await client.RequestAsync(DiscordClient.Listener, "PATCH", path, new JsonObject { ["nsfw"] = true });

        Assert.Equal(HttpStatusCode.TooManyRequests, third.Status);
        Assert.Equal(600.0, third.Body!["retry_after"]!.GetValue<double>());
        Assert.Equal(HttpStatusCode.OK, other.Status);
    }

    [Fact]
    public async Task Limits_SwitchedOff_HaveNoHeaders()
    {
        await using var client = await DiscordClient.StartAsync(new DiscordSandboxOptions { RateLimits = false });

        for (var i = 0; i < 10; i++)
        {
            var sent = await client.SendAsync(DiscordClient.Account, "x");
            Assert.Equal(HttpStatusCode.OK, sent.Status);
            Assert.Null(sent.Header("X-RateLimit-Limit"));
        }
    }

    [Fact]
    public async Task InvalidRequests_TooMany_BanTheAddress()
    {
        var time = new ManualTime();
        await using var client = await DiscordClient.StartAsync(new DiscordSandboxOptions { InvalidRequestsPerTenMinutes = 3 }, time);
        client.Discord.Fail(new RestFault { Kind = RestFaultKind.RateLimit, Scope = "shared" });
        await client.GetAsync(DiscordClient.Listener, "/users/@me");
        for (var i = 0; i < 3; i++) Assert.Equal(HttpStatusCode.Unauthorized, (await client.RequestAsync(null, "GET", "/users/@me")).Status);

        var banned = await client.GetAsync(DiscordClient.Listener, "/users/@me");
        time.Advance(TimeSpan.FromMinutes(10));
        var later = await client.GetAsync(DiscordClient.Listener, "/users/@me");

        Assert.Equal((HttpStatusCode.TooManyRequests, "error code: 1015"), (banned.Status, banned.Text));
        Assert.Equal("600", banned.Header("Retry-After"));
        Assert.Equal(HttpStatusCode.OK, later.Status);
    }
}
