using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Discord.Tests;

/// <summary>The client listening to the sandbox's Discord and its Coze-hosted bots.</summary>
public sealed class SandboxGatewayTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reply_is_heard_from_its_first_word_to_its_buttons(bool compress)
    {
        await using var rig = await SandboxRig.Start();
        var gateway = rig.Listen(DiscordSeeds.Listeners[0], o => o with { Compress = compress });
        await rig.Next<GatewayReady>(gateway);

        var prompt = await rig.Prompt(rig.Rest(DiscordSeeds.Accounts[0]), "Hello [[chunks=4 pace=5ms]]");
        var last = await HearReply(rig, gateway, prompt.Id, message => message.Components is { Count: > 0 });

        var finished = await rig.Discord.Records.WaitAsync(DiscordRecordKind.ReplyFinished, cancellationToken: rig.Stop);
        Assert.Equal(finished.Detail, ComponentText.Of(last));
        Assert.Equal(3, ComponentText.Suggestions(last).Count);
        Assert.Equal(SandboxRig.CozeBot, last.Author!.Id);
    }

    [Fact]
    public async Task Sockets_cut_again_and_again_within_a_reply_lose_none_of_it()
    {
        await using var rig = await SandboxRig.Start();
        var gateway = rig.Listen(DiscordSeeds.Listeners[0]);
        await rig.Next<GatewayReady>(gateway);
        var prompt = await rig.Prompt(rig.Rest(DiscordSeeds.Accounts[0]), "Hello [[chunks=60 pace=10ms buttons=1]]");

        var heard = new List<string>();
        var last = await HearReply(rig, gateway, prompt.Id, message =>
        {
            heard.Add(message.Content!);
            if (heard.Count is 5 or 15) rig.Discord.DropSockets();
            if (heard.Count == 25) rig.Discord.RequestReconnect();
            if (heard.Count == 35) rig.Discord.DropSockets(closeCode: 4000);
            if (heard.Count == 45) rig.Discord.InvalidateSessions(resumable: true);
            return message.Components is { Count: > 0 };
        });

        Assert.Equal(rig.Discord.Records.Of(DiscordRecordKind.ReplyFinished).Single().Detail, last.Content);
        Assert.Equal(heard.Count, heard.Distinct().Count());
        Assert.True(rig.Discord.Records.Count(DiscordRecordKind.Resumed) >= 5);
        Assert.Equal(1, rig.Discord.Records.Count(DiscordRecordKind.Identified));
    }

    [Fact]
    public async Task A_forgotten_session_tells_that_events_were_missed_and_rest_has_them()
    {
        await using var rig = await SandboxRig.Start();
        var gateway = rig.Listen(DiscordSeeds.Listeners[0]);
        await rig.Next<GatewayReady>(gateway);
        var listener = rig.Rest(DiscordSeeds.Listeners[0]);

        rig.Discord.InvalidateSessions(resumable: false);
        await rig.NextState(gateway, GatewayPhase.Reconnecting);
        var unheard = rig.Discord.Post(DiscordSeeds.Owner.Id, SandboxRig.General.ToString(), "unheard");
        var missed = await rig.Next<GatewayEventsMissed>(gateway);

        var read = await listener.GetMessages(SandboxRig.General, after: Snowflake.Before(missed.Since), cancellationToken: rig.Stop);
        Assert.Equal(unheard, Assert.Single(read).Id.ToString());
    }

    [Fact]
    public async Task A_node_that_identifies_too_soon_behind_another_is_let_in_when_its_time_has_come()
    {
        await using var rig = await SandboxRig.Start(new DiscordSandboxOptions { IdentifyPace = TimeSpan.FromSeconds(4) });
        await rig.Next<GatewayReady>(rig.Listen(DiscordSeeds.Listeners[0]));

        // It knows nothing of the first one's identify.
        var second = rig.Listen(DiscordSeeds.Listeners[0]);
        var refused = await rig.NextState(second, GatewayPhase.Reconnecting);
        await rig.Next<GatewayReady>(second);

        Assert.Equal((GatewayFault.None, "Discord calls the session invalid."), (refused.Fault, refused.Reason));
        Assert.All(rig.Discord.Records.Of(DiscordRecordKind.IdentifyRefused), record => Assert.Equal("op 9", record.Detail));
        Assert.Equal(2, rig.Discord.Records.Count(DiscordRecordKind.Identified));
        rig.Discord.Post(DiscordSeeds.Owner.Id, SandboxRig.General.ToString(), "heard");
        Assert.Equal("heard", (await rig.Next<MessageCreated>(second)).Message.Content);
    }

    [Fact]
    public async Task A_zombie_is_left_and_its_session_resumed()
    {
        await using var rig = await SandboxRig.Start(new DiscordSandboxOptions { HeartbeatInterval = TimeSpan.FromMilliseconds(500) });
        var gateway = rig.Listen(DiscordSeeds.Listeners[0]);
        await rig.Next<GatewayReady>(gateway);

        rig.Discord.StopAcking();
        rig.Discord.Post(DiscordSeeds.Owner.Id, SandboxRig.General.ToString(), "into the void");

        Assert.Equal("into the void", (await rig.Next<MessageCreated>(gateway)).Message.Content);
        Assert.True(rig.Discord.Records.Count(DiscordRecordKind.Resumed) >= 1);
    }

    [Fact]
    public async Task Without_the_message_content_intent_it_stops_and_says_what_to_do()
    {
        await using var rig = await SandboxRig.Start();
        rig.Discord.SetPrivilegedIntents(DiscordSeeds.Listeners[0].Id, Intents.None);

        var state = await rig.NextState(rig.Listen(DiscordSeeds.Listeners[0]), GatewayPhase.Fatal);

        Assert.Equal(GatewayFault.DisallowedIntents, state.Fault);
        Assert.Contains("developer portal", state.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_revoked_while_listening_stops_it()
    {
        await using var rig = await SandboxRig.Start();
        var gateway = rig.Listen(DiscordSeeds.Listeners[0]);
        await rig.Next<GatewayReady>(gateway);

        rig.Discord.RevokeToken(DiscordSeeds.Listeners[0].Id);

        Assert.Equal(GatewayFault.BadToken, (await rig.NextState(gateway, GatewayPhase.Fatal)).Fault);
    }

    [Fact]
    public async Task Shards_hear_their_guilds_only()
    {
        await using var rig = await SandboxRig.Start(new DiscordSandboxOptions { MaxConcurrency = 2 });
        var gateways = new[] { 0, 1 }.Select(shard => rig.Listen(DiscordSeeds.Listeners[0], o => o with { Shard = shard, Shards = 2 })).ToList();
        foreach (var gateway in gateways) await rig.Next<GatewayReady>(gateway);

        foreach (var guild in DiscordSeeds.Guilds) rig.Discord.Post(DiscordSeeds.Owner.Id, guild.GeneralId, guild.Name);

        for (var n = 0; n < 2; n++)
        {
            var guild = DiscordSeeds.Guilds[n];
            var heard = await rig.Next<MessageCreated>(gateways[DiscordGatewayOptions.ShardOf(Snowflake.Parse(guild.Id), 2)]);
            Assert.Equal(guild.Name, heard.Message.Content);
        }
    }

    /// <summary>Hears the messages that reply to the prompt until one is the last.</summary>
    private static async Task<DiscordMessage> HearReply(SandboxRig rig, DiscordGateway gateway, Snowflake prompt, Func<DiscordMessage, bool> isLast)
    {
        while (true)
        {
            var message = await gateway.Events.ReadAsync(rig.Stop) switch
            {
                MessageCreated created => created.Message,
                MessageUpdated updated => updated.Message,
                _ => null,
            };
            if (message?.MessageReference?.MessageId == prompt && isLast(message)) return message;
        }
    }
}
