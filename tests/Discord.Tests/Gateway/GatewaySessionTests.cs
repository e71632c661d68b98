
namespace CozeCluster.Discord.Tests;

public sealed class GatewaySessionTests
{
    [Fact]
    public async Task It_identifies_after_hello_with_intents_and_shard_and_becomes_ready()
    {
        await using var rig = await GatewayRig.Start(o => o with { Shard = 1, Shards = 2 });
        var peer = await rig.Server.Accept(rig.Guard);
        Assert.Equal(GatewayPhase.Connecting, rig.Gateway.State.Phase);
        Assert.Equal(1, rig.GatesPassed);
        await peer.Hello();

        var identify = (await peer.Hear(2, rig.Guard))["d"]!;
        await peer.Ready();
        var state = await rig.NextState(GatewayPhase.Ready);
        var ready = await rig.Next<GatewayReady>();

        Assert.Equal("/?v=10&encoding=json", Assert.Single(rig.Server.Opened));
        Assert.Equal((GatewayRig.Token, 1 | 512 | 2048 | 32768), (identify["token"]!.GetValue<string>(), identify["intents"]!.GetValue<int>()));
        Assert.Equal("[1,2]", identify["shard"]!.ToJsonString());
        Assert.Equal((GatewayFault.None, null), (state.Fault, state.Reason));
        Assert.Equal((new Snowflake(1001), true), (ready.User.Id, ready.CanReadContent));
        Assert.Equal([new Snowflake(21), new Snowflake(22)], ready.Guilds);
        Assert.Same(rig.Gateway.State, state);
    }

    [Fact]
    public async Task Events_come_out_in_order_and_typed()
    {
        await using var rig = await GatewayRig.Start();
        var peer = await rig.BecomeReady();

        await peer.Message(2, "one");
        await peer.Message(3, "two", "MESSAGE_UPDATE");
        await peer.Dispatch("PRESENCE_UPDATE", 4, "{}");
        await peer.Dispatch("TYPING_START", 5, """{"channel_id":"31","user_id":"9","timestamp":1767225600}""");
        await peer.Dispatch("MESSAGE_DELETE", 6, """{"id":"1","channel_id":"31"}""");
        await peer.Dispatch("MESSAGE_DELETE_BULK", 7, """{"ids":["1","2"],"channel_id":"31"}""");
        await peer.Dispatch("THREAD_CREATE", 8, """{"id":"33","type":11,"parent_id":"31"}""");
        await peer.Dispatch("CHANNEL_DELETE", 9, """{"id":"31","type":0}""");
        await peer.Dispatch("GUILD_CREATE", 10, """{"id":"21","name":"g","channels":[{"id":"31"}]}""");
        await peer.Dispatch("GUILD_DELETE", 11, """{"id":"21","unavailable":true}""");
        await peer.Dispatch("GUILD_DELETE", 12, """{"id":"21"}""");

        var created = await rig.Next<MessageCreated>();
        Assert.Equal(("one", new Snowflake(9), new Snowflake(31)), (created.Message.Content, created.Message.Author!.Id, created.Message.ChannelId));
        Assert.Equal("two", ((MessageUpdated)await rig.Gateway.Events.ReadAsync(rig.Guard)).Message.Content);
        Assert.Equal(new TypingStarted(new Snowflake(31), new Snowflake(9)), await rig.Gateway.Events.ReadAsync(rig.Guard));
        Assert.Equal([new Snowflake(1)], ((MessagesDeleted)await rig.Gateway.Events.ReadAsync(rig.Guard)).Ids);
        Assert.Equal([new Snowflake(1), new Snowflake(2)], ((MessagesDeleted)await rig.Gateway.Events.ReadAsync(rig.Guard)).Ids);
        Assert.Equal(DiscordChannelType.PublicThread, ((ChannelCreated)await rig.Gateway.Events.ReadAsync(rig.Guard)).Channel.Type);
        Assert.Equal(new Snowflake(31), ((ChannelDeleted)await rig.Gateway.Events.ReadAsync(rig.Guard)).Channel.Id);
        Assert.Equal(new GuildAvailable(new Snowflake(21)), await rig.Gateway.Events.ReadAsync(rig.Guard));
        Assert.Equal(new GuildGone(new Snowflake(21), IsOutage: true), await rig.Gateway.Events.ReadAsync(rig.Guard));
        Assert.Equal(new GuildGone(new Snowflake(21), IsOutage: false), await rig.Gateway.Events.ReadAsync(rig.Guard));
    }

    [Fact]
    public async Task A_cut_socket_is_resumed_at_the_resume_address_from_the_last_number_and_nothing_is_missed()
    {
        await using var rig = await GatewayRig.Start();
        var first = await rig.BecomeReady(resumeUrl: rig.Server.Url + "/resume");
        await first.Message(2, "one");
        await rig.Next<MessageCreated>();

        first.Cut();
        var second = await rig.Server.Accept(rig.Guard);
        Assert.Equal(GatewayPhase.Resuming, (await rig.NextState(GatewayPhase.Resuming)).Phase);
        await second.Hello();
        var resume = (await second.Hear(6, rig.Guard))["d"]!;
        await second.Message(3, "two");
        await second.Dispatch("RESUMED", 4, "{}");
        var replayed = await rig.Next<MessageCreated>();
        await rig.NextState(GatewayPhase.Ready);

        Assert.Equal("/resume?v=10&encoding=json", rig.Server.Opened.Last());
        Assert.Equal((GatewayRig.Token, "s-1", 2L), (resume["token"]!.GetValue<string>(), resume["session_id"]!.GetValue<string>(), resume["seq"]!.GetValue<long>()));
        Assert.Equal("two", replayed.Message.Content);
        Assert.DoesNotContain(rig.Taken(), e => e is GatewayEventsMissed);
        Assert.Equal((1, 1), (rig.Described, rig.GatesPassed));
    }

    [Fact]
    public async Task Op_7_is_followed_at_once_by_a_resume_and_the_close_keeps_the_session()
    {
        await using var rig = await GatewayRig.Start();
        var first = await rig.BecomeReady();

        await first.Say("""{"op":7,"d":null}""");
        var code = await first.HearEnd(rig.Guard);
        var second = await rig.Server.Accept(rig.Guard);
        await second.Hello();
        await second.Hear(6, rig.Guard);

        Assert.NotNull(code);
        Assert.False(code is 1000 or 1001);
    }

    [Fact]
    public async Task Op_9_true_resumes_after_a_pause()
    {
        await using var rig = await GatewayRig.Start();
        var first = await rig.BecomeReady();

        await first.Say("""{"op":9,"d":true}""");
        await first.HearEnd(rig.Guard);
        await PauseOfInvalidSession(rig);
        var second = await rig.Server.Accept(rig.Guard);
        await second.Hello();

        Assert.Equal("s-1", (await second.Hear(6, rig.Guard))["d"]!["session_id"]!.GetValue<string>());
    }

    [Fact]
    public async Task Op_9_false_identifies_anew_and_tells_since_when_events_may_be_missing()
    {
        await using var rig = await GatewayRig.Start();
        var first = await rig.BecomeReady();
        rig.Time.Advance(TimeSpan.FromSeconds(3));
        await first.Message(2, "the last that was heard");
        await rig.Next<MessageCreated>();
        var lastHeard = rig.Time.GetUtcNow();

        await first.Say("""{"op":9,"d":false}""");
        await first.HearEnd(rig.Guard);
        await PauseOfInvalidSession(rig);
        var second = await rig.Server.Accept(rig.Guard);
        await second.Hello();
        await Until.Done(second.Hear(2, rig.Guard), rig.Time, TimeSpan.FromSeconds(6));
        await second.Ready("s-2");

        await rig.Next<GatewayReady>();
        Assert.Equal(new GatewayEventsMissed(lastHeard - TimeSpan.FromSeconds(10)), await rig.Gateway.Events.ReadAsync(rig.Guard));
        Assert.Equal(2, rig.GatesPassed);
    }

    [Fact]
    public async Task A_resume_that_is_refused_ends_in_a_new_session_with_events_missed()
    {
        await using var rig = await GatewayRig.Start();
        var first = await rig.BecomeReady();
        first.Cut();
        var second = await rig.Server.Accept(rig.Guard);
        // Not to be taken for the pause that is to come.
        await rig.NextState(GatewayPhase.Resuming);
        await second.Hello();
        await second.Hear(6, rig.Guard);
        rig.Time.Advance(TimeSpan.FromSeconds(10));

        await second.Say("""{"op":9,"d":false}""");
        await second.HearEnd(rig.Guard);
        await PauseOfInvalidSession(rig);
        var third = await rig.Server.Accept(rig.Guard);
        await third.Hello();
        await third.Hear(2, rig.Guard);
        await third.Ready("s-2");
        await rig.Next<GatewayReady>();

        Assert.IsType<GatewayEventsMissed>(await rig.Gateway.Events.ReadAsync(rig.Guard));
    }

    [Fact]
    public async Task Stopping_closes_the_session_for_good()
    {
        await using var rig = await GatewayRig.Start();
        var peer = await rig.BecomeReady();

        await rig.Stop();

        Assert.Equal(1000, await peer.HearEnd(rig.Guard));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => rig.Running);
        await rig.Gateway.Events.Completion.WaitAsync(rig.Guard);
    }

    [Fact]
    public async Task An_event_that_cannot_be_read_is_told_as_missed_and_the_next_is_read()
    {
        await using var rig = await GatewayRig.Start();
        var peer = await rig.BecomeReady();

        await peer.Dispatch("MESSAGE_CREATE", 2, """{"id":"1","channel_id":"2","content":{"not":"text"}}""");
        await peer.Message(3, "fine");

        Assert.Equal(new GatewayEventsMissed(rig.Time.GetUtcNow() - TimeSpan.FromSeconds(10)), await rig.Gateway.Events.ReadAsync(rig.Guard));
        Assert.Equal("fine", (await rig.Next<MessageCreated>()).Message.Content);
    }

    [Theory]
    [InlineData("MESSAGE_CREATE", "null")]
    [InlineData("MESSAGE_DELETE", "null")]
    [InlineData("CHANNEL_DELETE", "null")]
    [InlineData("GUILD_DELETE", "null")]
    [InlineData("TYPING_START", "null")]
    [InlineData("TYPING_START", """{"channel_id":"31","user_id":"9","timestamp":1767225600000}""")]
    [InlineData("TYPING_START", """{"channel_id":"31","user_id":"9","timestamp":null}""")]
    public async Task Whatever_an_event_holds_the_next_is_read(string type, string data)
    {
        await using var rig = await GatewayRig.Start();
        var peer = await rig.BecomeReady();

        await peer.Dispatch(type, 2, data);
        await peer.Message(3, "fine");

        Assert.Equal("fine", (await rig.Next<MessageCreated>(e => e.Message is not null)).Message.Content);
        Assert.False(rig.Running.IsCompleted);
    }

    [Fact]
    public async Task Nothing_but_json_costs_the_socket_not_the_session()
    {
        await using var rig = await GatewayRig.Start();
        var first = await rig.BecomeReady();

        await first.Say("not json");
        await first.HearEnd(rig.Guard);
        var second = await rig.Server.Accept(rig.Guard);
        await second.Hello();

        await second.Hear(6, rig.Guard);
    }

    [Fact]
    public async Task The_token_is_in_no_log()
    {
        await using var rig = await GatewayRig.Start();
        var first = await rig.BecomeReady();
        await first.Close(4004);
        await rig.Running;

        Assert.NotEmpty(rig.Log.Lines);
        Assert.DoesNotContain(GatewayRig.Token, string.Join('\n', rig.Log.Lines), StringComparison.Ordinal);
    }

    private static async Task PauseOfInvalidSession(GatewayRig rig)
    {
        await rig.NextState(GatewayPhase.Reconnecting);
        await Until.True(() => rig.Time.NextDue - rig.Time.GetUtcNow() <= TimeSpan.FromSeconds(5));
        var pause = rig.Time.NextDue!.Value - rig.Time.GetUtcNow();
        Assert.InRange(pause, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5));
        rig.Time.Advance(pause);
    }
}
