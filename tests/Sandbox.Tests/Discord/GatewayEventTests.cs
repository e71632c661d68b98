using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Tests.Discord;

public sealed class GatewayEventTests
{
    private const int Guilds = 1;
    private const int GuildMessages = 512;

    [Fact]
    public async Task Messages_CreatedEditedDeleted_AreDispatchedInOrder()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.LogInAsync(intents: GuildMessages | 32768);
        var sent = await client.SendAsync(DiscordClient.Account, new JsonObject { ["content"] = "a", ["nonce"] = "n" });
        var path = $"/channels/{DiscordClient.Guild.GeneralId}/messages/{sent.Id}";
        await client.RequestAsync(DiscordClient.Account, "PATCH", path, new JsonObject { ["content"] = "b" });
        await client.RequestAsync(DiscordClient.Account, "DELETE", path);

        var created = await gateway.NextOpAsync(0);
        var updated = await gateway.NextOpAsync(0);
        var deleted = await gateway.NextOpAsync(0);

        Assert.Equal(["MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE"], new[] { created, updated, deleted }.Select(e => e["t"]!.GetValue<string>()));
        Assert.Equal("n", created["d"]!["nonce"]!.GetValue<string>());
        Assert.Equal(DiscordClient.Guild.Id, created["d"]!["guild_id"]!.GetValue<string>());
        Assert.NotNull(created["d"]!["member"]);
        Assert.Equal("b", updated["d"]!["content"]!.GetValue<string>());
        Assert.Equal(sent.Id, deleted["d"]!["id"]!.GetValue<string>());
        Assert.Equal(4, gateway.Sequence);
    }

    [Fact]
    public async Task Content_WithoutTheIntent_IsEmptyExceptOwnMessagesAndMentions()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.LogInAsync(intents: GuildMessages);

        await client.SendAsync(DiscordClient.Account, "secret");
        await client.SendAsync(DiscordClient.Account, $"<@{DiscordClient.Listener.Id}> open");
        await client.SendAsync(DiscordClient.Listener, "mine");

        Assert.Equal("", (await gateway.NextEventAsync("MESSAGE_CREATE"))["content"]!.GetValue<string>());
        Assert.Equal($"<@{DiscordClient.Listener.Id}> open", (await gateway.NextEventAsync("MESSAGE_CREATE"))["content"]!.GetValue<string>());
        Assert.Equal("mine", (await gateway.NextEventAsync("MESSAGE_CREATE"))["content"]!.GetValue<string>());
    }

    [Fact]
    public async Task Content_OfAReplyWithoutTheIntent_HasNoButtons()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.LogInAsync(intents: GuildMessages);

        await client.PromptAsync("[[chunks=1]] hello");
        await gateway.NextEventAsync("MESSAGE_CREATE");
        var reply = await gateway.NextEventAsync("MESSAGE_CREATE");

        Assert.Equal("", reply["content"]!.GetValue<string>());
        Assert.Empty(reply["components"]!.AsArray());
        Assert.Equal("", reply["referenced_message"]!["content"]!.GetValue<string>());
    }

    [Fact]
    public async Task Events_WithoutTheirIntent_AreNotSent()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.LogInAsync(intents: Guilds);

        await client.SendAsync(DiscordClient.Account, "not delivered");
        await client.RequestAsync(DiscordClient.Account, "POST", $"/channels/{DiscordClient.Guild.GeneralId}/typing");
        var created = await client.RequestAsync(
            DiscordClient.Listener, "POST", $"/guilds/{DiscordClient.Guild.Id}/channels", new JsonObject { ["name"] = "x" });
        await gateway.NextEventAsync("GUILD_CREATE");
        await gateway.NextEventAsync("GUILD_CREATE");
        var next = await gateway.NextOpAsync(0);

        Assert.Equal("CHANNEL_CREATE", next["t"]!.GetValue<string>());
        Assert.Equal(created.Id, next["d"]!["id"]!.GetValue<string>());
    }

    [Fact]
    public async Task ChannelsAndThreads_ChangesAreDispatched()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.LogInAsync();

        var created = await client.RequestAsync(
            DiscordClient.Listener, "POST", $"/guilds/{DiscordClient.Guild.Id}/channels", new JsonObject { ["name"] = "x" });
        await client.RequestAsync(DiscordClient.Listener, "PATCH", $"/channels/{created.Id}", new JsonObject { ["name"] = "y" });
        var thread = await client.RequestAsync(
            DiscordClient.Listener, "POST", $"/channels/{created.Id}/threads", new JsonObject { ["name"] = "t", ["type"] = 11 });
        await client.RequestAsync(DiscordClient.Listener, "DELETE", $"/channels/{thread.Id}");
        await client.RequestAsync(DiscordClient.Listener, "DELETE", $"/channels/{created.Id}");

        await gateway.NextEventAsync("CHANNEL_CREATE");
        Assert.Equal("y", (await gateway.NextEventAsync("CHANNEL_UPDATE"))["name"]!.GetValue<string>());
        Assert.True((await gateway.NextEventAsync("THREAD_CREATE"))["newly_created"]!.GetValue<bool>());
        Assert.Equal(thread.Id, (await gateway.NextEventAsync("THREAD_DELETE"))["id"]!.GetValue<string>());
        Assert.Equal(created.Id, (await gateway.NextEventAsync("CHANNEL_DELETE"))["id"]!.GetValue<string>());
    }

    [Fact]
    public async Task Typing_IsDispatched()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.LogInAsync();

        await client.RequestAsync(DiscordClient.Account, "POST", $"/channels/{DiscordClient.Guild.GeneralId}/typing");

        Assert.Equal(DiscordClient.Account.Id, (await gateway.NextEventAsync("TYPING_START"))["user_id"]!.GetValue<string>());
    }

    [Fact]
    public async Task Membership_RemovedAndAdded_IsDispatched()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.LogInAsync();

        client.Discord.SetMembership(DiscordClient.Listener.Id, DiscordClient.Guild.Id, isMember: false);
        await client.SendAsync(DiscordClient.Account, "among us");
        client.Discord.SetMembership(DiscordClient.Listener.Id, DiscordClient.Guild.Id, isMember: true);

        Assert.Equal(DiscordClient.Guild.Id, (await gateway.NextEventAsync("GUILD_DELETE"))["id"]!.GetValue<string>());
        Assert.Equal("GUILD_CREATE", (await gateway.NextOpAsync(0))["t"]!.GetValue<string>());
    }

    [Fact]
    public async Task ZlibStream_IsOneContextWithSyncFlushes()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.LogInAsync(query: "?v=10&encoding=json&compress=zlib-stream");

        await client.SendAsync(DiscordClient.Account, "compressed");

        Assert.Equal("compressed", (await gateway.NextEventAsync("MESSAGE_CREATE"))["content"]!.GetValue<string>());
        Assert.All(gateway.Frames, frame => Assert.Equal<byte>([0, 0, 0xFF, 0xFF], frame[^4..]));
        Assert.Equal(0x78, gateway.Frames[0][0]);
        Assert.All(gateway.Frames.Skip(1), frame => Assert.NotEqual(0x78, frame[0]));
    }

    [Fact]
    public async Task IdentifyCompress_IsOneStreamPerPayload()
    {
        await using var client = await DiscordClient.StartAsync();
        await using var gateway = await client.ConnectAsync();
        await gateway.NextOpAsync(10);

        await gateway.IdentifyAsync(DiscordClient.Listener.Token, compress: true);
        await gateway.NextEventAsync("READY");
        await gateway.NextEventAsync("GUILD_CREATE");

        Assert.All(gateway.Frames.Skip(1), frame => Assert.Equal(0x78, frame[0]));
    }
}
