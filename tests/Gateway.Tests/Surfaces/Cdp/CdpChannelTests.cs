using System.Net;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Cdp;

public sealed class CdpChannelTests
{
    private static readonly ReplyEvent[] Answer = [Reply.Text("Hi!"), Reply.Stop()];

    [Theory]
    [InlineData("""{"name":"Mine"}""", "create 1 acme shared Text Mine")]
    [InlineData("""{"parentId":"","type":4,"name":"Mine"}""", "create 1 acme shared Category Mine")]
    [InlineData("""{"parentId":"7","type":0,"name":"Mine"}""", "create 1 acme shared Text Mine 7")]
    public async Task Create_Channel_ReturnsItsIdAndTheNameThatWasAskedFor(string body, string call)
    {
        await using var host = await Start();
        host.Grains.Guilds.Channels.Add("1/7");

        using var response = await host.Post("/api/channel/create", body);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("""{"success":true,"data":{"id":"1","name":"Mine"}}""", await response.Content.ReadAsStringAsync());
        Assert.Equal(call, Assert.Single(host.Grains.Guilds.Calls));
    }

    [Fact]
    public async Task Create_Thread_ReturnsItsId()
    {
        await using var host = await Start();
        host.Grains.Guilds.Channels.Add("1/7");

        using var response = await host.Post("/api/thread/create", """{"channelId":"7","name":"Mine","archiveDuration":1440}""");

        Assert.Equal("""{"success":true,"data":{"id":"1","name":"Mine"}}""", await response.Content.ReadAsStringAsync());
        Assert.Equal("create 1 acme shared Thread Mine 7 1440", Assert.Single(host.Grains.Guilds.Calls));
    }

    [Theory]
    [InlineData("/api/channel/create", "{", "无效的参数")]
    [InlineData("/api/channel/create", """{"name":7}""", "无效的参数")]
    [InlineData("/api/channel/create", """{"name":"x","type":2}""", "无效的参数")]
    [InlineData("/api/channel/create", """{"name":"x","parentId":"42"}""", "discord创建频道异常")]
    [InlineData("/api/thread/create", """{"channelId":"7","name":"x"}""", "线程创建时间只可为[60,1440,4320,10080]")]
    [InlineData("/api/thread/create", """{"channelId":"7","name":"x","archiveDuration":61}""", "线程创建时间只可为[60,1440,4320,10080]")]
    [InlineData("/api/thread/create", """{"channelId":"42","name":"x","archiveDuration":60}""", "discord创建线程异常")]
    public async Task Create_Fails_WithStatus200(string path, string body, string message)
    {
        await using var host = await Start();

        using var response = await host.Post(path, body);
        var json = await response.ReadJson();

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal((false, message), (json.GetProperty("success").GetBoolean(), json.GetProperty("message").GetString()));
    }

    [Fact]
    public async Task Create_LargeBody_IsRefused()
    {
        await using var host = await Start();

        using var response = await host.Post("/api/channel/create", $$"""{"name":"{{new string('x', 100_000)}}"}""");

        Assert.Equal("无效的参数", (await response.ReadJson()).GetProperty("message").GetString());
        Assert.Empty(host.Grains.Guilds.Calls);
    }

    [Fact]
    public async Task Create_TenantWithSeveralServers_UsesTheOneThatHasTheParent()
    {
        await using var host = await Start();
        host.Grains.Fleet.AddDiscordBot("b2", "bot", "2");
        host.Grains.Guilds.Channels.Add("2/7");

        using var response = await host.Post("/api/channel/create", """{"parentId":"7","name":"Mine"}""");

        Assert.True((await response.ReadJson()).GetProperty("success").GetBoolean());
        Assert.Equal(["create 1 acme shared Text Mine 7", "create 2 acme shared Text Mine 7"], host.Grains.Guilds.Calls);
    }

    [Fact]
    public async Task Delete_Channel_IsLookedForInAllServersOfTheTenantAndInNoOther()
    {
        await using var host = await Start();
        host.Grains.Fleet.AddDiscordBot("b2", "bot", "2");
        host.Grains.Fleet.AddDiscordBot("b3", "model of others", "3", tenants: ["other"]);
        foreach (var channel in new[] { "2/7", "3/8" }) host.Grains.Guilds.Channels.Add(channel);

        using var own = await host.Get("/api/channel/del/7");
        using var others = await host.Get("/api/channel/del/8");

        Assert.Equal("""{"success":true,"message":"discord删除频道成功"}""", await own.Content.ReadAsStringAsync());
        Assert.Equal(
            (HttpStatusCode.OK, "discord删除频道异常"), (others.StatusCode, (await others.ReadJson()).GetProperty("message").GetString()));
        Assert.Equal("3/8", Assert.Single(host.Grains.Guilds.Channels));
        Assert.DoesNotContain(host.Grains.Guilds.Calls, call => call.Contains(" 3 ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task DeleteAll_AsksTheServerOfEveryListener()
    {
        await using var host = await Start();
        host.Grains.Fleet.AddDiscordBot("b2", "second", "2", tenants: ["acme"]);

        using var response = await host.Get("/api/channel/del/all/cdp");

        Assert.Equal("""{"success":true,"message":"discord删除频道成功"}""", await response.Content.ReadAsStringAsync());
        Assert.Equal(["delete turns 1 acme shared 1", "delete turns 2 acme 2"], host.Grains.Guilds.Calls);
    }

    [Fact]
    public async Task Delete_DiscordCannotBeReached_Fails()
    {
        await using var host = await Start();
        host.Grains.Guilds.Fault = new ClusterException(ErrorCode.UpstreamUnavailable, "Discord is away.");

        using var response = await host.Get("/api/channel/del/all/cdp");

        Assert.Equal("""{"success":false,"message":"discord删除频道异常","detail":"Discord is away."}""", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("GET", "/api/channel/del/7")]
    [InlineData("GET", "/api/channel/del/all/cdp")]
    [InlineData("POST", "/api/channel/create")]
    [InlineData("POST", "/api/thread/create")]
    public async Task OnlyOpenAiApi_HidesTheRoutes(string method, string path)
    {
        await using var host = await CdpHost.Start(null, null, null, ("only_openai_api", "true"));
        host.Grains.Fleet.AddDiscordBot("b1", "bot", "1");

        using var response = method == "GET" ? await host.Get(path) : await host.Post(path, """{"name":"x"}""");

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Empty(host.Grains.Guilds.Calls);
    }

    [Fact]
    public async Task Channels_TenantWithoutBotsOnDiscord_Fail()
    {
        await using var host = await CdpHost.Start();

        using var response = await host.Post("/api/channel/create", """{"name":"x"}""");

        Assert.Equal("discord创建频道异常", (await response.ReadJson()).GetProperty("message").GetString());
    }

    [Fact]
    public async Task ChannelId_ThatTheTenantMayUse_IsInTheTurn()
    {
        await using var host = await Start(() => Answer);
        host.Grains.Guilds.Channels.Add("1/7");

        using var response = await host.Chat(GatewayHost.Body(",\"channelId\":\"7\""));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("1/7", Assert.Single(host.Grains.Conversations).Request!.Channel);
    }

    [Theory]
    [InlineData("/v1/chat/completions", """{"model":"bot","messages":[{"role":"user","content":"Hi"}],"channelId":"8"}""")]
    [InlineData("/v1/images/generations", """{"model":"bot","prompt":"A cat","channelId":"8"}""")]
    public async Task ChannelId_ThatTheTenantMayNotUse_IsRefusedBeforeTheTurn(string path, string body)
    {
        await using var host = await Start(() => Answer);

        using var response = await host.Http.PostAsync(path, GatewayHost.Json(body));

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal("Invalid request parameters", await response.ReadError("message"));
        Assert.Empty(host.Grains.Conversations);
    }

    [Fact]
    public async Task ChannelId_ModelWithoutBotsOnDiscord_MeansNothing()
    {
        await using var host = await CdpHost.Start(() => Answer);

        using var response = await host.Chat(GatewayHost.Body(",\"channelId\":\"7\""));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Null(Assert.Single(host.Grains.Conversations).Request!.Channel);
    }

    [Fact]
    public void Servers_AreThoseOfTheBotsOfATenantAndKnowWhetherTheyAreShared()
    {
        var fleet = new FakeFleet();
        fleet.Models.Clear();
        fleet.AddDiscordBot("b1", "own", "1", ["acme"], ("channel_id", "70"));
        fleet.AddDiscordBot("b2", "ours", "2", ["acme", "other"]);
        fleet.AddDiscordBot("b3", "theirs", "3", ["other"], ("channel_id", "80"));

        var servers = DiscordServers.Of(fleet, "acme");

        Assert.Equal(["1 1 False", "2 2 True"], servers.Select(server => $"{server.GuildId} {server.Access.ListenerId} {server.Access.IsShared}"));
        Assert.All(servers, server => Assert.Equal(["70"], server.Access.Channels));
        Assert.Equal("2", Assert.Single(DiscordServers.Of(fleet, "acme", fleet.FindModel("acme", "ours"))).GuildId);
    }

    private static async Task<GatewayHost> Start(Func<ReplyEvent[]>? reply = null)
    {
        var host = await CdpHost.Start(reply);
        host.Grains.Fleet.AddDiscordBot("b1", "bot", "1");
        return host;
    }
}
