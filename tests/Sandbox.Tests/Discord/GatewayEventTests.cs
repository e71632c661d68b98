using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Tests.Discord;

public sealed class GatewayEventTests
{
    private const int Guilds = 1;
    private const int GuildMessages = 512;

    [Fact]
    public async Task Messages_CreatedEditedDeleted_AreDispatchedInOrder()
    {
        await using var house = await DiscordFixture.StartAsync();
        await using var gateway = await house.LogInAsync(intents: GuildMessages | 32768);
        var sent = await house.SendAsync(DiscordFixture.Account, new JsonObject { ["content"] = "a", ["nonce"] = "n" });
        var path = $"/channels/{DiscordFixture.Guild.GeneralId}/messages/{sent.Id}";
        await house.CallAsync(DiscordFixture.Account, "PATCH", path, new JsonObject { ["content"] = "b" });
        await house.CallAsync(DiscordFixture.Account, "DELETE", path);

        var created = await gateway.NextOpAsync(0);
        var updated = await gateway.NextOpAsync(0);
        var deleted = await gateway.NextOpAsync(0);

        Assert.Equal(["MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE"], new[] { created, updated, deleted }.Select(e => e["t"]!.GetValue<string>()));
        Assert.Equal("n", created["d"]!["nonce"]!.GetValue<string>());
        Assert.Equal(DiscordFixture.Guild.Id, created["d"]!["guild_id"]!.GetValue<string>());
        Assert.NotNull(created["d"]!["member"]);
        Assert.Equal("b", updated["d"]!["content"]!.GetValue<string>());
        Assert.Equal(sent.Id, deleted["d"]!["id"]!.GetValue<string>());
        Assert.Equal(4, gateway.Sequence);
    }

    [Fact]
    public async Task Content_WithoutTheIntent_IsEmptyExceptOwnAndMentions()
    {
        await using var house = await DiscordFixture.StartAsync();
        await using var gateway = await house.LogInAsync(intents: GuildMessages);

        await house.SendAsync(DiscordFixture.Account, "secret");
        await house.SendAsync(DiscordFixture.Account, $"<@{DiscordFixture.Listener.Id}> open");
        await house.SendAsync(DiscordFixture.Listener, "mine");

        Assert.Equal("", (await gateway.NextEventAsync("MESSAGE_CREATE"))["content"]!.GetValue<string>());
        Assert.Equal($"<@{DiscordFixture.Listener.Id}> open", (await gateway.NextEventAsync("MESSAGE_CREATE"))["content"]!.GetValue<string>());
        Assert.Equal("mine", (await gateway.NextEventAsync("MESSAGE_CREATE"))["content"]!.GetValue<string>());
    }

    [Fact]
    public async Task Content_OfABotsReply_WithoutTheIntentHasNoButtonsEither()
    {
        await using var house = await DiscordFixture.StartAsync();
        await using var gateway = await house.LogInAsync(intents: GuildMessages);

        await house.PromptAsync("[[chunks=1]] hello");
        await gateway.NextEventAsync("MESSAGE_CREATE");
        var reply = await gateway.NextEventAsync("MESSAGE_CREATE");

        Assert.Equal("", reply["content"]!.GetValue<string>());
        Assert.Empty(reply["components"]!.AsArray());
        Assert.Equal("", reply["referenced_message"]!["content"]!.GetValue<string>());
    }

    [Fact]
    public async Task Intents_LeftOut_KeepTheirEventsAway()
    {
        await using var house = await DiscordFixture.StartAsync();
        await using var gateway = await house.LogInAsync(intents: Guilds);

        await house.SendAsync(DiscordFixture.Account, "unheard");
        await house.CallAsync(DiscordFixture.Account, "POST", $"/channels/{DiscordFixture.Guild.GeneralId}/typing");
        var made = await house.CallAsync(DiscordFixture.Listener, "POST", $"/guilds/{DiscordFixture.Guild.Id}/channels", new JsonObject { ["name"] = "x" });
        await gateway.NextEventAsync("GUILD_CREATE");
        await gateway.NextEventAsync("GUILD_CREATE");
        var next = await gateway.NextOpAsync(0);

        Assert.Equal("CHANNEL_CREATE", next["t"]!.GetValue<string>());
        Assert.Equal(made.Id, next["d"]!["id"]!.GetValue<string>());
    }

    [Fact]
    public async Task ChannelsAndThreads_ComeAndGoAsEvents()
    {
        await using var house = await DiscordFixture.StartAsync();
        await using var gateway = await house.LogInAsync();

        var made = await house.CallAsync(DiscordFixture.Listener, "POST", $"/guilds/{DiscordFixture.Guild.Id}/channels", new JsonObject { ["name"] = "x" });
        await house.CallAsync(DiscordFixture.Listener, "PATCH", $"/channels/{made.Id}", new JsonObject { ["name"] = "y" });
        var thread = await house.CallAsync(DiscordFixture.Listener, "POST", $"/channels/{made.Id}/threads", new JsonObject { ["name"] = "t", ["type"] = 11 });
        await house.CallAsync(DiscordFixture.Listener, "DELETE", $"/channels/{thread.Id}");
        await house.CallAsync(DiscordFixture.Listener, "DELETE", $"/channels/{made.Id}");

        await gateway.NextEventAsync("CHANNEL_CREATE");
        Assert.Equal("y", (await gateway.NextEventAsync("CHANNEL_UPDATE"))["name"]!.GetValue<string>());
        Assert.True((await gateway.NextEventAsync("THREAD_CREATE"))["newly_created"]!.GetValue<bool>());
        Assert.Equal(thread.Id, (await gateway.NextEventAsync("THREAD_DELETE"))["id"]!.GetValue<string>());
        Assert.Equal(made.Id, (await gateway.NextEventAsync("CHANNEL_DELETE"))["id"]!.GetValue<string>());
    }

    [Fact]
    public async Task Typing_IsSeenByIntent()
    {
        await using var house = await DiscordFixture.StartAsync();
        await using var gateway = await house.LogInAsync();

        await house.CallAsync(DiscordFixture.Account, "POST", $"/channels/{DiscordFixture.Guild.GeneralId}/typing");

        Assert.Equal(DiscordFixture.Account.Id, (await gateway.NextEventAsync("TYPING_START"))["user_id"]!.GetValue<string>());
    }

    [Fact]
    public async Task Membership_TakenAndGiven_IsSeen()
    {
        await using var house = await DiscordFixture.StartAsync();
        await using var gateway = await house.LogInAsync();

        house.Discord.SetMembership(DiscordFixture.Listener.Id, DiscordFixture.Guild.Id, isMember: false);
        await house.SendAsync(DiscordFixture.Account, "among us");
        house.Discord.SetMembership(DiscordFixture.Listener.Id, DiscordFixture.Guild.Id, isMember: true);

        Assert.Equal(DiscordFixture.Guild.Id, (await gateway.NextEventAsync("GUILD_DELETE"))["id"]!.GetValue<string>());
        Assert.Equal("GUILD_CREATE", (await gateway.NextOpAsync(0))["t"]!.GetValue<string>());
    }

    [Fact]
    public async Task ZlibStream_IsOneContextWithSyncFlushes()
    {
        await using var house = await DiscordFixture.StartAsync();
        await using var gateway = await house.LogInAsync(query: "?v=10&encoding=json&compress=zlib-stream");

        await house.SendAsync(DiscordFixture.Account, "compressed");

        Assert.Equal("compressed", (await gateway.NextEventAsync("MESSAGE_CREATE"))["content"]!.GetValue<string>());
        Assert.All(gateway.Frames, frame => Assert.Equal<byte>([0, 0, 0xFF, 0xFF], frame[^4..]));
        Assert.Equal(0x78, gateway.Frames[0][0]);
        Assert.All(gateway.Frames.Skip(1), frame => Assert.NotEqual(0x78, frame[0]));
    }

    [Fact]
    public async Task IdentifyCompress_IsOneStreamPerPayload()
    {
        await using var house = await DiscordFixture.StartAsync();
        await using var gateway = await house.ConnectAsync();
        await gateway.NextOpAsync(10);

        await gateway.IdentifyAsync(DiscordFixture.Listener.Token, compress: true);
        await gateway.NextEventAsync("READY");
        await gateway.NextEventAsync("GUILD_CREATE");

        Assert.All(gateway.Frames.Skip(1), frame => Assert.Equal(0x78, frame[0]));
    }
}
