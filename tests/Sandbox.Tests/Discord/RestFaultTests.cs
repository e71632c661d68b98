using System.Net;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Sandbox.Tests.Discord;

public sealed class RestFaultTests
{
    [Theory]
    [InlineData("user")]
    [InlineData("global")]
    [InlineData("shared")]
    public async Task RateLimit_Injected_HasItsScope(string scope)
    {
        await using var client = await DiscordClient.StartAsync();
        client.Discord.Fail(new RestFault { Kind = RestFaultKind.RateLimit, Scope = scope, Wait = TimeSpan.FromSeconds(1.5), Route = "POST /channels/" });

        var untouched = await client.GetAsync(DiscordClient.Account, "/users/@me");
        var refused = await client.SendAsync(DiscordClient.Account, "x");
        var next = await client.SendAsync(DiscordClient.Account, "x");

        Assert.Equal(HttpStatusCode.OK, untouched.Status);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.Status);
        Assert.Equal((scope, "2", 1.5), (refused.Header("X-RateLimit-Scope"), refused.Header("Retry-After"), refused.Body!["retry_after"]!.GetValue<double>()));
        Assert.Equal(HttpStatusCode.OK, next.Status);
    }

    [Fact]
    public async Task Status_502_IsHtml()
    {
        await using var client = await DiscordClient.StartAsync();
        client.Discord.Fail(new RestFault { Kind = RestFaultKind.Status, Status = 502, Times = 2 });

        Assert.Equal(HttpStatusCode.BadGateway, (await client.SendAsync(DiscordClient.Account, "x")).Status);
        Assert.StartsWith("<html>", (await client.SendAsync(DiscordClient.Account, "x")).Text);
        Assert.Empty(client.Discord.MessagesOf(DiscordClient.Guild.GeneralId));
    }

    [Fact]
    public async Task Cut_ExecutesNothing_LoseAnswerExecutesTheRequest()
    {
        await using var client = await DiscordClient.StartAsync();
        var body = new JsonObject { ["content"] = "once", ["nonce"] = "n", ["enforce_nonce"] = true };

        client.Discord.Fail(new RestFault { Kind = RestFaultKind.Cut, UserId = DiscordClient.Account.Id });
        await Assert.ThrowsAsync<HttpRequestException>(() => client.SendAsync(DiscordClient.Account, body));
        Assert.Empty(client.Discord.MessagesOf(DiscordClient.Guild.GeneralId));

        client.Discord.Fail(new RestFault { Kind = RestFaultKind.LoseAnswer });
        await Assert.ThrowsAsync<HttpRequestException>(() => client.SendAsync(DiscordClient.Account, body));
        var retried = await client.SendAsync(DiscordClient.Account, body);

        Assert.Equal(retried.Id, Assert.Single(client.Discord.MessagesOf(DiscordClient.Guild.GeneralId)).Id);
    }

    [Fact]
    public async Task DelayAnswer_TheReplyFinishesBeforeTheResponse()
    {
        await using var client = await DiscordClient.StartAsync();
        client.Discord.Fail(new RestFault { Kind = RestFaultKind.DelayAnswer, Wait = TimeSpan.FromMinutes(10) });

        var sending = client.PromptAsync("quick [[chunks=1 pace=0]]");
        await client.Discord.Records.WaitAsync(DiscordRecordKind.ReplyFinished, cancellationToken: client.TimeoutToken);

        Assert.False(sending.IsCompleted);
    }
}
