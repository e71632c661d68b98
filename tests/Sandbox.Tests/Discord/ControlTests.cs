using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Sandbox.Tests.Discord;

public sealed class ControlTests
{
    [Fact]
    public async Task Seeds_AreToldWithTheirTokens()
    {
        await using var house = await DiscordFixture.StartAsync();

        var seeds = await GetAsync(house, "seeds");

        Assert.Equal((3, 6, 2, 2), (Count("listeners"), Count("accounts"), Count("coze_bots"), Count("guilds")));
        Assert.Equal("sandbox-account-6", seeds["accounts"]![5]!["token"]!.GetValue<string>());

        int Count(string kind) => seeds[kind]!.AsArray().Count;
    }

    [Fact]
    public async Task Script_Records_Counts_FromOutside()
    {
        await using var house = await DiscordFixture.StartAsync();

        await PostAsync(house, "script", """{"script":"say=scripted","times":1}""");
        await house.PromptAsync("hi");
        var finished = await GetAsync(house, "records?kind=reply_finished&wait=30s");
        var counts = await GetAsync(house, "counts");
        var messages = await GetAsync(house, $"channels/{DiscordFixture.Guild.GeneralId}/messages");

        Assert.Equal("scripted", finished[0]!["detail"]!.GetValue<string>());
        Assert.Equal(2, counts["message_created"]!.GetValue<long>());
        Assert.Equal("scripted", messages[1]!["content"]!.GetValue<string>());
    }

    [Fact]
    public async Task Users_ChangeFromOutside()
    {
        await using var house = await DiscordFixture.StartAsync();

        await PostAsync(house, $"users/{DiscordFixture.Account.Id}", """{"needs_verification":true,"coze_notice":"daily_limit"}""");
        var refused = await house.SendAsync(DiscordFixture.Account, "x");
        await PostAsync(house, $"users/{DiscordFixture.Account.Id}", """{"needs_verification":false,"coze_notice":null}""");
        await PostAsync(house, $"users/{DiscordSeeds.Accounts[5].Id}", $$"""{"join_guild":"{{DiscordSeeds.Guilds[1].Id}}"}""");

        Assert.Equal(40002, refused.Code);
        Assert.Equal(HttpStatusCode.OK, (await house.SendAsync(DiscordFixture.Account, "x")).Status);
        Assert.Equal(HttpStatusCode.OK, (await house.SendAsync(DiscordSeeds.Accounts[5], "x", DiscordSeeds.Guilds[1].GeneralId)).Status);
    }

    [Theory]
    [InlineData("script", """{"script":"nonsense"}""", "directive 'nonsense': unknown")]
    [InlineData("script", """{}""", "script is required")]
    [InlineData("faults", """{"kind":"flood"}""", "kind is none of rate_limit, status, cut, lose_answer, delay_answer")]
    [InlineData("users/1", """{"needs_verification":true}""", "there is no user 1")]
    public async Task Mistakes_AreNamed(string path, string body, string error)
    {
        await using var house = await DiscordFixture.StartAsync();

        using var response = await house.Http.PostAsync($"sandbox/{path}", new StringContent(body), house.Guard);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith(error, JsonNode.Parse(await response.Content.ReadAsStringAsync(house.Guard))!["error"]!.GetValue<string>());
    }

    [Fact]
    public async Task Limits_SwitchedOffFromOutside_ComeBackWithAReset()
    {
        await using var house = await DiscordFixture.StartAsync();

        await PostAsync(house, "limits", """{"on":false}""");
        var free = await house.SendAsync(DiscordFixture.Account, "x");
        await PostAsync(house, "reset", "");
        var limited = await house.SendAsync(DiscordFixture.Account, "x");

        Assert.Equal((null, "5"), (free.Header("X-RateLimit-Limit"), limited.Header("X-RateLimit-Limit")));
    }

    [Fact]
    public async Task Reset_BringsTheSeedsBackAndForgetsTheRest()
    {
        await using var house = await DiscordFixture.StartAsync();
        await using var gateway = await house.LogInAsync();
        await house.PromptAsync("[[chunks=1000 pace=1m]]");
        await house.CallAsync(DiscordFixture.Listener, "DELETE", $"/channels/{DiscordFixture.Guild.FixedId}");
        house.Discord.RevokeToken(DiscordFixture.Account.Id);

        await PostAsync(house, "reset", "");

        Assert.Null(await gateway.CloseCodeAsync());
        Assert.Empty(house.Discord.MessagesOf(DiscordFixture.Guild.GeneralId));
        Assert.Equal(3, house.Discord.ChannelsOf(DiscordFixture.Guild.Id).Count);
        Assert.Equal(HttpStatusCode.OK, (await house.SendAsync(DiscordFixture.Account, "x")).Status);
        Assert.Equal(1, house.Discord.Records.Count(DiscordRecordKind.MessageCreated));
        await using var again = await house.LogInAsync();
    }

    [Fact]
    public async Task ByHand_ACozeBotCanBeLed()
    {
        await using var house = await DiscordFixture.StartAsync();
        var prompt = await house.PromptAsync("[[silent]]");

        var reply = house.Discord.Post(DiscordFixture.CozeBot.Id, DiscordFixture.Guild.GeneralId, "one", prompt);
        house.Discord.Edit(DiscordFixture.Guild.GeneralId, reply, "one two", "Button");

        var message = house.Discord.MessagesOf(DiscordFixture.Guild.GeneralId)[^1];
        Assert.Equal((reply, prompt, "one two", true, true), (message.Id, message.ReplyTo, message.Content, message.Edited, message.HasComponents));
    }

    private static async Task<JsonNode> GetAsync(DiscordFixture house, string path) =>
        JsonNode.Parse(await house.Http.GetStringAsync($"sandbox/{path}", house.Guard))!;

    private static async Task PostAsync(DiscordFixture house, string path, string body)
    {
        using var response = await house.Http.PostAsync($"sandbox/{path}", new StringContent(body, Encoding.UTF8, "application/json"), house.Guard);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
    }
}
