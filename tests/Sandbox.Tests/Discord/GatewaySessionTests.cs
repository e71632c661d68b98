using CozeCluster.Sandbox.Discord;
using CozeCluster.TestKit;

namespace CozeCluster.Sandbox.Tests.Discord;

public sealed class GatewaySessionTests
{
    [Fact]
    public async Task Resume_AfterAnAbort_ReplaysTheMissedEvents()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await LogInAndReadGuildsAsync(client);
        client.Discord.DropSockets();
        Assert.Null(await gateway.CloseCodeAsync());

        await client.SendAsync(DiscordClient.Account, "missed 1");
        await client.SendAsync(DiscordClient.Account, "missed 2");
        await using var next = await client.ConnectAsync(path: "gateway/resume");
        await next.ResumeAsync(DiscordClient.Listener.Token, gateway);

        Assert.Equal("missed 1", (await next.NextEventAsync("MESSAGE_CREATE"))["content"]!.GetValue<string>());
        Assert.Equal("missed 2", (await next.NextEventAsync("MESSAGE_CREATE"))["content"]!.GetValue<string>());
        Assert.NotNull(await next.NextEventAsync("RESUMED"));
        await client.SendAsync(DiscordClient.Account, "live");
        Assert.Equal("live", (await next.NextEventAsync("MESSAGE_CREATE"))["content"]!.GetValue<string>());
        Assert.Equal("2", Assert.Single(client.Discord.Records.Of(DiscordRecordKind.Resumed)).Detail);
    }

    [Theory]
    [InlineData(4200, true)]
    [InlineData(3000, true)]
    [InlineData(1000, false)]
    [InlineData(1001, false)]
    public async Task Close_ByTheClient_KeepsTheSessionExceptAfterANormalClose(int code, bool kept)
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await LogInAndReadGuildsAsync(client);
        await gateway.CloseAsync(code);
        await client.Discord.Records.WaitAsync(DiscordRecordKind.SocketClosed, cancellationToken: client.TimeoutToken);

        await using var next = await client.ConnectAsync();
        await next.ResumeAsync(DiscordClient.Listener.Token, gateway);

        if (kept) Assert.NotNull(await next.NextEventAsync("RESUMED"));
        else Assert.False((await next.NextOpAsync(9))["d"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Resume_TooLate_IsInvalid()
    {
        var time = new ManualTime();
        await using var client = await DiscordClient.StartAsync(time: time);
        await using var gateway = await LogInAndReadGuildsAsync(client);
        client.Discord.DropSockets();
        time.Advance(TimeSpan.FromMinutes(3) + TimeSpan.FromSeconds(1));

        await using var next = await client.ConnectAsync();
        await next.ResumeAsync(DiscordClient.Listener.Token, gateway);

        Assert.False((await next.NextOpAsync(9))["d"]!.GetValue<bool>());
        Assert.Equal("unknown session", Assert.Single(client.Discord.Records.Of(DiscordRecordKind.ResumeRefused)).Detail);
    }

    [Fact]
    public async Task Resume_BeyondTheBuffer_IsInvalid()
    {
        await using var client = await DiscordClient.StartAsync(new DiscordSandboxOptions { ResumeBuffer = 2, RateLimits = false });
        await using var gateway = await LogInAndReadGuildsAsync(client);
        client.Discord.DropSockets();
        for (var i = 0; i < 3; i++) await client.SendAsync(DiscordClient.Account, "missed");

        await using var next = await client.ConnectAsync();
        await next.ResumeAsync(DiscordClient.Listener.Token, gateway);

        Assert.False((await next.NextOpAsync(9))["d"]!.GetValue<bool>());
        Assert.Equal("missed events are no longer stored", Assert.Single(client.Discord.Records.Of(DiscordRecordKind.ResumeRefused)).Detail);
    }

    [Fact]
    public async Task Resume_SequenceNeverSent_ClosesWith4007()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await LogInAndReadGuildsAsync(client);
        client.Discord.DropSockets();

        await using var next = await client.ConnectAsync();
        await next.ResumeAsync(DiscordClient.Listener.Token, gateway, sequence: gateway.Sequence + 1);

        Assert.Equal(4007, await next.CloseCodeAsync());
    }

    [Fact]
    public async Task Resume_WhileTheOldSocketIsOpen_ClosesTheOldSocket()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await LogInAndReadGuildsAsync(client);

        await using var next = await client.ConnectAsync();
        await next.ResumeAsync(DiscordClient.Listener.Token, gateway);

        Assert.NotNull(await next.NextEventAsync("RESUMED"));
        Assert.Equal(4000, await gateway.CloseCodeAsync());
        Assert.Equal(1, client.Discord.OpenSessions);
    }

    [Fact]
    public async Task RequestReconnect_SendsOp7()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await LogInAndReadGuildsAsync(client);

        client.Discord.RequestReconnect(DiscordClient.Listener.Id);

        Assert.NotNull(await gateway.NextOpAsync(7));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task InvalidateSessions_Resumable_CanBeResumedOnTheSameSocket(bool resumable)
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await LogInAndReadGuildsAsync(client);

        client.Discord.InvalidateSessions(resumable);
        Assert.Equal(resumable, (await gateway.NextOpAsync(9))["d"]!.GetValue<bool>());
        await client.SendAsync(DiscordClient.Account, "meanwhile");
        await gateway.ResumeAsync(DiscordClient.Listener.Token, gateway);

        if (resumable) Assert.Equal("meanwhile", (await gateway.NextEventAsync("MESSAGE_CREATE"))["content"]!.GetValue<string>());
        else Assert.False((await gateway.NextOpAsync(9))["d"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Heartbeat_IsAcknowledgedAndCanBeRequested()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await LogInAndReadGuildsAsync(client);

        client.Discord.AskForHeartbeat();
        await gateway.NextOpAsync(1);
        await gateway.SendAsync(1, gateway.Sequence);

        Assert.NotNull(await gateway.NextOpAsync(11));
        Assert.Equal($"{gateway.Sequence}", Assert.Single(client.Discord.Records.Of(DiscordRecordKind.Heartbeat)).Detail);
    }

    [Fact]
    public async Task Heartbeat_Missing_ClosesWith4009()
    {
        var time = new ManualTime();
        await using var client = await DiscordClient.StartAsync(time: time);
        await using var gateway = await LogInAndReadGuildsAsync(client);

        time.Advance(TimeSpan.FromSeconds(83));

        Assert.Equal(4009, await gateway.CloseCodeAsync());
    }

    [Fact]
    public async Task StopAcking_SuppressesAcknowledgementsAndEventsUntilAResume()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await LogInAndReadGuildsAsync(client);
        client.Discord.StopAcking();

        await gateway.SendAsync(1, gateway.Sequence);
        await client.Discord.Records.WaitAsync(DiscordRecordKind.Heartbeat, cancellationToken: client.TimeoutToken);
        await client.SendAsync(DiscordClient.Account, "not delivered");
        var silence = gateway.NextAsync();
        await using var next = await client.ConnectAsync();
        await next.ResumeAsync(DiscordClient.Listener.Token, gateway);

        Assert.Equal("not delivered", (await next.NextEventAsync("MESSAGE_CREATE"))["content"]!.GetValue<string>());
        Assert.Null(await silence);
    }

    [Fact]
    public async Task RevokedToken_ClosesWith4004()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await LogInAndReadGuildsAsync(client);

        client.Discord.RevokeToken(DiscordClient.Listener.Id);

        Assert.Equal(4004, await gateway.CloseCodeAsync());
    }

    private static async Task<GatewayClient> LogInAndReadGuildsAsync(DiscordClient client)
    {
        var gateway = await client.LogInAsync();
        await gateway.NextEventAsync("GUILD_CREATE");
        await gateway.NextEventAsync("GUILD_CREATE");
        return gateway;
    }
}
