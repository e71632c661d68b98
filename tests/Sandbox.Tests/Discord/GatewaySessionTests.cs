using CozeCluster.Sandbox.Discord;
using CozeCluster.TestKit;

namespace CozeCluster.Sandbox.Tests.Discord;

public sealed class GatewaySessionTests
{
    [Fact]
    public async Task Resume_AfterACut_ReplaysWhatWasMissed()
    {
        await using var house = await DiscordFixture.StartAsync();
        await using var gateway = await LogInFullyAsync(house);
        house.Discord.DropSockets();
        Assert.Null(await gateway.CloseCodeAsync());

        await house.SendAsync(DiscordFixture.Account, "missed 1");
        await house.SendAsync(DiscordFixture.Account, "missed 2");
        await using var next = await house.ConnectAsync(path: "gateway/resume");
        await next.ResumeAsync(DiscordFixture.Listener.Token, gateway);

        Assert.Equal("missed 1", (await next.NextEventAsync("MESSAGE_CREATE"))["content"]!.GetValue<string>());
        Assert.Equal("missed 2", (await next.NextEventAsync("MESSAGE_CREATE"))["content"]!.GetValue<string>());
        Assert.NotNull(await next.NextEventAsync("RESUMED"));
        await house.SendAsync(DiscordFixture.Account, "live");
        Assert.Equal("live", (await next.NextEventAsync("MESSAGE_CREATE"))["content"]!.GetValue<string>());
        Assert.Equal("2", Assert.Single(house.Discord.Records.Of(DiscordRecordKind.Resumed)).Detail);
    }

    [Theory]
    [InlineData(4200, true)]
    [InlineData(3000, true)]
    [InlineData(1000, false)]
    [InlineData(1001, false)]
    public async Task Close_ByTheClient_KeepsTheSessionUnlessNormal(int code, bool kept)
    {
        await using var house = await DiscordFixture.StartAsync();
        await using var gateway = await LogInFullyAsync(house);
        await gateway.CloseAsync(code);
        await house.Discord.Records.WaitAsync(DiscordRecordKind.SocketClosed, cancellationToken: house.Guard);

        await using var next = await house.ConnectAsync();
        await next.ResumeAsync(DiscordFixture.Listener.Token, gateway);

        if (kept) Assert.NotNull(await next.NextEventAsync("RESUMED"));
        else Assert.False((await next.NextOpAsync(9))["d"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Resume_TooLate_IsInvalid()
    {
        var time = new ManualTime();
        await using var house = await DiscordFixture.StartAsync(time: time);
        await using var gateway = await LogInFullyAsync(house);
        house.Discord.DropSockets();
        time.Advance(TimeSpan.FromMinutes(3) + TimeSpan.FromSeconds(1));

        await using var next = await house.ConnectAsync();
        await next.ResumeAsync(DiscordFixture.Listener.Token, gateway);

        Assert.False((await next.NextOpAsync(9))["d"]!.GetValue<bool>());
        Assert.Equal("unknown session", Assert.Single(house.Discord.Records.Of(DiscordRecordKind.ResumeRefused)).Detail);
    }

    [Fact]
    public async Task Resume_BeyondTheBuffer_IsInvalid()
    {
        await using var house = await DiscordFixture.StartAsync(new DiscordSandboxOptions { ResumeBuffer = 2, RateLimits = false });
        await using var gateway = await LogInFullyAsync(house);
        house.Discord.DropSockets();
        for (var i = 0; i < 3; i++) await house.SendAsync(DiscordFixture.Account, "missed");

        await using var next = await house.ConnectAsync();
        await next.ResumeAsync(DiscordFixture.Listener.Token, gateway);

        Assert.False((await next.NextOpAsync(9))["d"]!.GetValue<bool>());
        Assert.Equal("events forgotten", Assert.Single(house.Discord.Records.Of(DiscordRecordKind.ResumeRefused)).Detail);
    }

    [Fact]
    public async Task Resume_SequenceOfTheFuture_ClosesWith4007()
    {
        await using var house = await DiscordFixture.StartAsync();
        await using var gateway = await LogInFullyAsync(house);
        house.Discord.DropSockets();

        await using var next = await house.ConnectAsync();
        await next.ResumeAsync(DiscordFixture.Listener.Token, gateway, sequence: gateway.Sequence + 1);

        Assert.Equal(4007, await next.CloseCodeAsync());
    }

    [Fact]
    public async Task Resume_WhileTheOldSocketIsOpen_TakesOver()
    {
        await using var house = await DiscordFixture.StartAsync();
        await using var gateway = await LogInFullyAsync(house);

        await using var next = await house.ConnectAsync();
        await next.ResumeAsync(DiscordFixture.Listener.Token, gateway);

        Assert.NotNull(await next.NextEventAsync("RESUMED"));
        Assert.Equal(4000, await gateway.CloseCodeAsync());
        Assert.Equal(1, house.Discord.OpenSessions);
    }

    [Fact]
    public async Task Op7_AsksToReconnect()
    {
        await using var house = await DiscordFixture.StartAsync();
        await using var gateway = await LogInFullyAsync(house);

        house.Discord.RequestReconnect(DiscordFixture.Listener.Id);

        Assert.NotNull(await gateway.NextOpAsync(7));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Op9_Resumable_CanBeResumedOnTheSameSocket(bool resumable)
    {
        await using var house = await DiscordFixture.StartAsync();
        await using var gateway = await LogInFullyAsync(house);

        house.Discord.InvalidateSessions(resumable);
        Assert.Equal(resumable, (await gateway.NextOpAsync(9))["d"]!.GetValue<bool>());
        await house.SendAsync(DiscordFixture.Account, "meanwhile");
        await gateway.ResumeAsync(DiscordFixture.Listener.Token, gateway);

        if (resumable) Assert.Equal("meanwhile", (await gateway.NextEventAsync("MESSAGE_CREATE"))["content"]!.GetValue<string>());
        else Assert.False((await gateway.NextOpAsync(9))["d"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Heartbeat_IsAcknowledged_AndAskedFor()
    {
        await using var house = await DiscordFixture.StartAsync();
        await using var gateway = await LogInFullyAsync(house);

        house.Discord.AskForHeartbeat();
        await gateway.NextOpAsync(1);
        await gateway.SendAsync(1, gateway.Sequence);

        Assert.NotNull(await gateway.NextOpAsync(11));
        Assert.Equal($"{gateway.Sequence}", Assert.Single(house.Discord.Records.Of(DiscordRecordKind.Heartbeat)).Detail);
    }

    [Fact]
    public async Task Heartbeat_Missing_ClosesWith4009()
    {
        var time = new ManualTime();
        await using var house = await DiscordFixture.StartAsync(time: time);
        await using var gateway = await LogInFullyAsync(house);

        time.Advance(TimeSpan.FromSeconds(83));

        Assert.Equal(4009, await gateway.CloseCodeAsync());
    }

    [Fact]
    public async Task Zombie_NeitherAcknowledgesNorDelivers_UntilResumed()
    {
        await using var house = await DiscordFixture.StartAsync();
        await using var gateway = await LogInFullyAsync(house);
        house.Discord.StopAcking();

        await gateway.SendAsync(1, gateway.Sequence);
        await house.Discord.Records.WaitAsync(DiscordRecordKind.Heartbeat, cancellationToken: house.Guard);
        await house.SendAsync(DiscordFixture.Account, "unheard");
        var silence = gateway.NextAsync();
        await using var next = await house.ConnectAsync();
        await next.ResumeAsync(DiscordFixture.Listener.Token, gateway);

        Assert.Equal("unheard", (await next.NextEventAsync("MESSAGE_CREATE"))["content"]!.GetValue<string>());
        Assert.Null(await silence);
    }

    [Fact]
    public async Task RevokedToken_ClosesWith4004()
    {
        await using var house = await DiscordFixture.StartAsync();
        await using var gateway = await LogInFullyAsync(house);

        house.Discord.RevokeToken(DiscordFixture.Listener.Id);

        Assert.Equal(4004, await gateway.CloseCodeAsync());
    }

    private static async Task<TestGateway> LogInFullyAsync(DiscordFixture house)
    {
        var gateway = await house.LogInAsync();
        await gateway.NextEventAsync("GUILD_CREATE");
        await gateway.NextEventAsync("GUILD_CREATE");
        return gateway;
    }
}
