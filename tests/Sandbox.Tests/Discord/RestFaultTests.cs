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
    public async Task RateLimit_Forced_HasItsScope(string scope)
    {
        await using var house = await DiscordFixture.StartAsync();
        house.Discord.Fail(new RestFault { Kind = RestFaultKind.RateLimit, Scope = scope, Wait = TimeSpan.FromSeconds(1.5), Route = "POST /channels/" });

        var untouched = await house.GetAsync(DiscordFixture.Account, "/users/@me");
        var refused = await house.SendAsync(DiscordFixture.Account, "x");
        var next = await house.SendAsync(DiscordFixture.Account, "x");

        Assert.Equal(HttpStatusCode.OK, untouched.Status);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.Status);
        Assert.Equal((scope, "2", 1.5), (refused.Header("X-RateLimit-Scope"), refused.Header("Retry-After"), refused.Body!["retry_after"]!.GetValue<double>()));
        Assert.Equal(HttpStatusCode.OK, next.Status);
    }

    [Fact]
    public async Task Status_OfAGateway_IsHtml()
    {
        await using var house = await DiscordFixture.StartAsync();
        house.Discord.Fail(new RestFault { Kind = RestFaultKind.Status, Status = 502, Times = 2 });

        Assert.Equal(HttpStatusCode.BadGateway, (await house.SendAsync(DiscordFixture.Account, "x")).Status);
        Assert.StartsWith("<html>", (await house.SendAsync(DiscordFixture.Account, "x")).Text);
        Assert.Empty(house.Discord.MessagesOf(DiscordFixture.Guild.GeneralId));
    }

    [Fact]
    public async Task Cut_DoesNothing_LoseAnswerDoesItUnseen()
    {
        await using var house = await DiscordFixture.StartAsync();
        var body = new JsonObject { ["content"] = "once", ["nonce"] = "n", ["enforce_nonce"] = true };

        house.Discord.Fail(new RestFault { Kind = RestFaultKind.Cut, UserId = DiscordFixture.Account.Id });
        await Assert.ThrowsAsync<HttpRequestException>(() => house.SendAsync(DiscordFixture.Account, body));
        Assert.Empty(house.Discord.MessagesOf(DiscordFixture.Guild.GeneralId));

        house.Discord.Fail(new RestFault { Kind = RestFaultKind.LoseAnswer });
        await Assert.ThrowsAsync<HttpRequestException>(() => house.SendAsync(DiscordFixture.Account, body));
        var retried = await house.SendAsync(DiscordFixture.Account, body);

        Assert.Equal(retried.Id, Assert.Single(house.Discord.MessagesOf(DiscordFixture.Guild.GeneralId)).Id);
    }

    [Fact]
    public async Task DelayAnswer_LetsTheReplyOvertakeTheAnswer()
    {
        await using var house = await DiscordFixture.StartAsync();
        house.Discord.Fail(new RestFault { Kind = RestFaultKind.DelayAnswer, Wait = TimeSpan.FromMinutes(10) });

        var sending = house.PromptAsync("quick [[chunks=1 pace=0]]");
        await house.Discord.Records.WaitAsync(DiscordRecordKind.ReplyFinished, cancellationToken: house.Guard);

        Assert.False(sending.IsCompleted);
    }
}
