using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Discord;
using CozeCluster.TestKit;

namespace CozeCluster.Sandbox.Tests.Discord;

public sealed class GatewayHandshakeTests
{
    [Fact]
    public async Task Identify_ReceivesReadyAndTheGuilds()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.ConnectAsync();

        var hello = await gateway.NextOpAsync(10);
        await gateway.IdentifyAsync(DiscordClient.Listener.Token);
        var ready = await gateway.NextEventAsync("READY");
        var guild = await gateway.NextEventAsync("GUILD_CREATE");

        Assert.Equal(41250, hello["d"]!["heartbeat_interval"]!.GetValue<int>());
        Assert.Equal(DiscordClient.Listener.Id, ready["user"]!["id"]!.GetValue<string>());
        Assert.EndsWith("/discord/gateway/resume", ready["resume_gateway_url"]!.GetValue<string>());
        Assert.Equal(2, ready["guilds"]!.AsArray().Count);
        Assert.Equal(3, guild["channels"]!.AsArray().Count);
        Assert.Equal(2, gateway.Sequence);
    }

    [Fact]
    public async Task Shards_DivideTheGuilds()
    {
        await using var client = await DiscordClient.StartAsync(new DiscordSandboxOptions { MaxConcurrency = 2 });
        for (var shard = 0; shard < 2; shard++)
        {
            await using var gateway = await client.ConnectAsync();
            await gateway.IdentifyAsync(DiscordClient.Listener.Token, shard: [shard, 2]);
            var ready = await gateway.NextEventAsync("READY");
            Assert.Equal(DiscordSeeds.Guilds[shard].Id, Assert.Single(ready["guilds"]!.AsArray())!["id"]!.GetValue<string>());
        }
    }

    [Theory]
    [InlineData("nobody", 513, null, 4004)]
    [InlineData("sandbox-account-1", 513, null, 4004)]
    [InlineData("sandbox-listener-1", 1 << 18, null, 4013)]
    [InlineData("sandbox-listener-1", 513, "[1,1]", 4010)]
    [InlineData("sandbox-listener-1", 513, "[0]", 4010)]
    public async Task Identify_Refused_ClosesWithItsCode(string token, int intents, string? shard, int code)
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.ConnectAsync();

        await gateway.IdentifyAsync(token, intents, shard is null ? null : JsonNode.Parse(shard)!.AsArray());

        Assert.Equal(code, await gateway.CloseCodeAsync());
        Assert.Equal($"{code}", Assert.Single(client.Discord.Records.Of(DiscordRecordKind.IdentifyRefused)).Detail);
    }

    [Fact]
    public async Task Identify_DisabledIntent_ClosesOldAndNewSocketsWith4014()
    {
        await using var client = await DiscordClient.StartAsync(new DiscordSandboxOptions { MaxConcurrency = 1 });
        await using var open = await client.LogInAsync();

        client.Discord.SetPrivilegedIntents(DiscordClient.Listener.Id, Intents.GuildMembers);
        await using var next = await client.ConnectAsync();
        await next.IdentifyAsync(DiscordClient.Listener.Token);

        Assert.Equal(4014, await open.CloseCodeAsync());
        Assert.Equal(4014, await next.CloseCodeAsync());
    }

    [Fact]
    public async Task Identify_TooFewShards_ClosesWith4011()
    {
        await using var client = await DiscordClient.StartAsync(new DiscordSandboxOptions { RequiredShards = 2 });
        await using var gateway = await client.ConnectAsync();

        await gateway.IdentifyAsync(DiscordClient.Listener.Token);

        Assert.Equal(4011, await gateway.CloseCodeAsync());
    }

    [Fact]
    public async Task Identify_AgainWithinFiveSeconds_IsAnInvalidSession()
    {
        var time = new ManualTime();
        await using var client = await DiscordClient.StartAsync(time: time);
        await using var first = await client.LogInAsync();
        await using var second = await client.ConnectAsync();

        await second.IdentifyAsync(DiscordClient.Listener.Token);
        var invalid = await second.NextOpAsync(9);
        time.Advance(TimeSpan.FromSeconds(5));
        await second.IdentifyAsync(DiscordClient.Listener.Token);

        Assert.False(invalid["d"]!.GetValue<bool>());
        Assert.NotNull(await second.NextEventAsync("READY"));
    }

    [Fact]
    public async Task Identify_BeyondTheDailyLimit_InvalidatesTheToken()
    {
        var time = new ManualTime();
        await using var client = await DiscordClient.StartAsync(new DiscordSandboxOptions { SessionStartsPerDay = 1 }, time);
        await using var first = await client.LogInAsync();
        var limit = (await client.GetAsync(DiscordClient.Listener, "/gateway/bot")).Body!["session_start_limit"]!;

        await using var second = await client.ConnectAsync();
        await second.IdentifyAsync(DiscordClient.Listener.Token);

        Assert.Equal((1, 0), (limit["total"]!.GetValue<int>(), limit["remaining"]!.GetValue<int>()));
        Assert.Equal(4004, await second.CloseCodeAsync());
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, (await client.GetAsync(DiscordClient.Listener, "/users/@me")).Status);
    }

    [Fact]
    public async Task Identify_Twice_ClosesWith4005()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.LogInAsync();

        await gateway.IdentifyAsync(DiscordClient.Listener.Token);

        Assert.Equal(4005, await gateway.CloseCodeAsync());
    }

    [Theory]
    [InlineData("""{"op":3,"d":{}}""", 4003)]
    [InlineData("""{"op":77}""", 4001)]
    [InlineData("""{"op":2}""", 4002)]
    [InlineData("not json", 4002)]
    public async Task InvalidPayloads_CloseWithTheirCode(string payload, int code)
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.ConnectAsync();

        await gateway.SendAsync(payload);

        Assert.Equal(code, await gateway.CloseCodeAsync());
    }

    [Fact]
    public async Task Payload_LargerThan4096Bytes_ClosesWith4002()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.ConnectAsync();
        const string heartbeat = """{"op":1,"d":null,"x":"?"}""";

        await gateway.SendAsync(heartbeat.Replace("?", new string('x', 4096 - heartbeat.Length + 1), StringComparison.Ordinal));
        Assert.NotNull(await gateway.NextOpAsync(11));
        await gateway.SendAsync(heartbeat.Replace("?", new string('x', 4096 - heartbeat.Length + 2), StringComparison.Ordinal));

        Assert.Equal(4002, await gateway.CloseCodeAsync());
    }

    [Fact]
    public async Task Payloads_MoreThan120PerMinute_CloseWith4008()
    {
        await using var client = await DiscordClient.StartAsync(time: new ManualTime());
        await using var gateway = await client.ConnectAsync();

        for (var i = 0; i < 121; i++) await gateway.SendAsync(1, null);

        Assert.Equal(4008, await gateway.CloseCodeAsync());
        Assert.Equal(120, client.Discord.Records.Count(DiscordRecordKind.Heartbeat));
    }

    [Fact]
    public async Task Version_Unknown_ClosesWith4012()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.ConnectAsync("?v=5&encoding=json");

        Assert.Equal(4012, await gateway.CloseCodeAsync());
    }
}
