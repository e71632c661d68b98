using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Discord.Tests;

/// <summary>The gateway client with the sandbox's Discord and its Coze-hosted bots.</summary>
public sealed class SandboxGatewayTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Reply_is_received_from_its_first_word_to_its_buttons(bool compress)
    {
        await using var rig = await SandboxRig.Start();
        var gateway = rig.Connect(DiscordSeeds.Listeners[0], o => o with { Compress = compress });
        await rig.Next<DiscordGatewayReady>(gateway);

        var prompt = await rig.Prompt(rig.Rest(DiscordSeeds.Accounts[0]), "Hello [[chunks=4 pace=5ms]]");
        var last = await ReceiveReply(rig, gateway, prompt.Id, message => message.Components is { Count: > 0 });

        var finished = await rig.Discord.Records.WaitAsync(DiscordRecordKind.ReplyFinished, cancellationToken: rig.Timeout);
        Assert.Equal(finished.Detail, MessageContent.Text(last));
        Assert.Equal(3, MessageContent.Suggestions(last).Count);
        Assert.Equal(SandboxRig.CozeBot, last.Author!.Id);
    }

    [Fact]
    public async Task Reply_is_complete_although_sockets_break_again_and_again()
    {
        await using var rig = await SandboxRig.Start();
        var gateway = rig.Connect(DiscordSeeds.Listeners[0]);
        await rig.Next<DiscordGatewayReady>(gateway);
        var prompt = await rig.Prompt(rig.Rest(DiscordSeeds.Accounts[0]), "Hello [[chunks=60 pace=10ms buttons=1]]");

        var received = new List<string>();
        var last = await ReceiveReply(rig, gateway, prompt.Id, message =>
        {
            received.Add(message.Content!);
            if (received.Count is 5 or 15) rig.Discord.DropSockets();
            if (received.Count == 25) rig.Discord.RequestReconnect();
            if (received.Count == 35) rig.Discord.DropSockets(closeCode: 4000);
            if (received.Count == 45) rig.Discord.InvalidateSessions(resumable: true);
            return message.Components is { Count: > 0 };
        });

        Assert.Equal(rig.Discord.Records.Of(DiscordRecordKind.ReplyFinished).Single().Detail, last.Content);
        Assert.Equal(received.Count, received.Distinct().Count());
        Assert.True(rig.Discord.Records.Count(DiscordRecordKind.Resumed) >= 5);
        Assert.Equal(1, rig.Discord.Records.Count(DiscordRecordKind.Identified));
    }

    [Fact]
    public async Task Lost_session_reports_missed_events_which_rest_returns()
    {
        await using var rig = await SandboxRig.Start();
        var gateway = rig.Connect(DiscordSeeds.Listeners[0]);
        await rig.Next<DiscordGatewayReady>(gateway);
        var listener = rig.Rest(DiscordSeeds.Listeners[0]);

        rig.Discord.InvalidateSessions(resumable: false);
        await rig.NextState(gateway, DiscordGatewayPhase.Reconnecting);
        var missedId = rig.Discord.Post(DiscordSeeds.Owner.Id, SandboxRig.General.ToString(), "missed");
        var missed = await rig.Next<DiscordGatewayEventsMissed>(gateway);

        var read = await listener.GetMessages(SandboxRig.General, after: Snowflake.Before(missed.Since), cancellationToken: rig.Timeout);
        Assert.Equal(missedId, Assert.Single(read).Id.ToString());
    }

    [Fact]
    public async Task Node_that_identifies_too_soon_after_another_is_accepted_later()
    {
        await using var rig = await SandboxRig.Start(new DiscordSandboxOptions { IdentifyPace = TimeSpan.FromSeconds(4) });
        await rig.Next<DiscordGatewayReady>(rig.Connect(DiscordSeeds.Listeners[0]));

        // It does not know when the first one identified.
        var second = rig.Connect(DiscordSeeds.Listeners[0]);
        var rejected = await rig.NextState(second, DiscordGatewayPhase.Reconnecting);
        await rig.Next<DiscordGatewayReady>(second);

        Assert.Equal((DiscordGatewayFault.None, "Discord declared the session invalid."), (rejected.Fault, rejected.Reason));
        Assert.All(rig.Discord.Records.Of(DiscordRecordKind.IdentifyRefused), record => Assert.Equal("op 9", record.Detail));
        Assert.Equal(2, rig.Discord.Records.Count(DiscordRecordKind.Identified));
        rig.Discord.Post(DiscordSeeds.Owner.Id, SandboxRig.General.ToString(), "received");
        Assert.Equal("received", (await rig.Next<MessageCreated>(second)).Message.Content);
    }

    [Fact]
    public async Task Gateway_that_does_not_acknowledge_is_left_and_its_session_is_resumed()
    {
        await using var rig = await SandboxRig.Start(new DiscordSandboxOptions { HeartbeatInterval = TimeSpan.FromMilliseconds(500) });
        var gateway = rig.Connect(DiscordSeeds.Listeners[0]);
        await rig.Next<DiscordGatewayReady>(gateway);

        rig.Discord.StopAcking();
        rig.Discord.Post(DiscordSeeds.Owner.Id, SandboxRig.General.ToString(), "not delivered");

        Assert.Equal("not delivered", (await rig.Next<MessageCreated>(gateway)).Message.Content);
        Assert.True(rig.Discord.Records.Count(DiscordRecordKind.Resumed) >= 1);
    }

    [Fact]
    public async Task Missing_message_content_intent_stops_it_and_says_what_to_do()
    {
        await using var rig = await SandboxRig.Start();
        rig.Discord.SetPrivilegedIntents(DiscordSeeds.Listeners[0].Id, Intents.None);

        var state = await rig.NextState(rig.Connect(DiscordSeeds.Listeners[0]), DiscordGatewayPhase.Fatal);

        Assert.Equal(DiscordGatewayFault.DisallowedIntents, state.Fault);
        Assert.Contains("developer portal", state.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Token_that_is_revoked_during_a_session_stops_it()
    {
        await using var rig = await SandboxRig.Start();
        var gateway = rig.Connect(DiscordSeeds.Listeners[0]);
        await rig.Next<DiscordGatewayReady>(gateway);

        rig.Discord.RevokeToken(DiscordSeeds.Listeners[0].Id);

        Assert.Equal(DiscordGatewayFault.BadToken, (await rig.NextState(gateway, DiscordGatewayPhase.Fatal)).Fault);
    }

    [Fact]
    public async Task Shards_receive_only_events_of_their_guilds()
    {
        await using var rig = await SandboxRig.Start(new DiscordSandboxOptions { MaxConcurrency = 2 });
        var gateways = new[] { 0, 1 }.Select(shard => rig.Connect(DiscordSeeds.Listeners[0], o => o with { Shard = shard, Shards = 2 })).ToList();
        foreach (var gateway in gateways) await rig.Next<DiscordGatewayReady>(gateway);

        foreach (var guild in DiscordSeeds.Guilds) rig.Discord.Post(DiscordSeeds.Owner.Id, guild.GeneralId, guild.Name);

        for (var n = 0; n < 2; n++)
        {
            var guild = DiscordSeeds.Guilds[n];
            var received = await rig.Next<MessageCreated>(gateways[ShardOf(guild.Id)]);
            Assert.Equal(guild.Name, received.Message.Content);
        }

        static int ShardOf(string guildId) => (int)((ulong.Parse(guildId) >> 22) % 2);
    }

    /// <summary>Receives the messages that reply to the prompt, up to the last one.</summary>
    private static async Task<DiscordMessage> ReceiveReply(SandboxRig rig, DiscordGateway gateway, Snowflake prompt, Func<DiscordMessage, bool> isLast)
    {
        while (true)
        {
            var message = await gateway.Events.ReadAsync(rig.Timeout) switch
            {
                MessageCreated created => created.Message,
                MessageUpdated updated => updated.Message,
                _ => null,
            };
            if (message?.MessageReference?.MessageId == prompt && isLast(message)) return message;
        }
    }
}
