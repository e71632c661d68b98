
namespace CozeCluster.Discord.Tests;

public sealed class DiscordGatewaySessionTests
{
    [Fact]
    public async Task It_identifies_after_hello_with_intents_and_shard_and_becomes_ready()
    {
        await using var rig = await DiscordGatewayRig.Start(o => o with { Shard = 1, Shards = 2 });
        var peer = await rig.Server.Accept(rig.Timeout);
        Assert.Equal(DiscordGatewayPhase.Connecting, rig.Gateway.State.Phase);
        Assert.Equal(1, rig.LeasesTaken);
        await peer.Hello();

        var identify = (await peer.Receive(2, rig.Timeout))["d"]!;
        await peer.Ready();
        var state = await rig.NextState(DiscordGatewayPhase.Ready);
        var ready = await rig.Next<DiscordGatewayReady>();

        Assert.Equal("/?v=10&encoding=json", Assert.Single(rig.Server.Opened));
        Assert.Equal((DiscordGatewayRig.Token, 1 | 512 | 2048 | 32768), (identify["token"]!.GetValue<string>(), identify["intents"]!.GetValue<int>()));
        Assert.Equal("[1,2]", identify["shard"]!.ToJsonString());
        Assert.Equal((DiscordGatewayFault.None, null), (state.Fault, state.Reason));
        Assert.Equal(new Snowflake(1001), ready.User.Id);
        Assert.Equal([new Snowflake(21), new Snowflake(22)], ready.Guilds);
        Assert.Same(rig.Gateway.State, state);
    }

    [Fact]
    public async Task Events_are_published_in_order()
    {
        await using var rig = await DiscordGatewayRig.Start();
        var peer = await rig.BecomeReady();

        await peer.Message(2, "one");
        await peer.Message(3, "two", "MESSAGE_UPDATE");
        await peer.Dispatch("PRESENCE_UPDATE", 4, "{}");
        await peer.Dispatch("TYPING_START", 5, """{"channel_id":"31","user_id":"9","timestamp":1767225600}""");
        await peer.Dispatch("MESSAGE_DELETE", 6, """{"id":"1","channel_id":"31"}""");
        await peer.Dispatch("MESSAGE_DELETE_BULK", 7, """{"ids":["1","2"],"channel_id":"31"}""");
        await peer.Dispatch("CHANNEL_DELETE", 9, """{"id":"31","type":0}""");
        await peer.Dispatch("GUILD_CREATE", 10, """{"id":"21","name":"g","channels":[{"id":"31"}]}""");
        await peer.Dispatch("GUILD_DELETE", 11, """{"id":"21","unavailable":true}""");
        await peer.Dispatch("GUILD_DELETE", 12, """{"id":"21"}""");

        var created = await rig.Next<MessageCreated>();
        Assert.Equal(("one", new Snowflake(9), new Snowflake(31)), (created.Message.Content, created.Message.Author!.Id, created.Message.ChannelId));
        Assert.Equal("two", ((MessageUpdated)await rig.Gateway.Events.ReadAsync(rig.Timeout)).Message.Content);
        Assert.Equal(new TypingStarted(new Snowflake(31), new Snowflake(9)), await rig.Gateway.Events.ReadAsync(rig.Timeout));
        Assert.Equal([new Snowflake(1)], ((MessagesDeleted)await rig.Gateway.Events.ReadAsync(rig.Timeout)).Ids);
        Assert.Equal([new Snowflake(1), new Snowflake(2)], ((MessagesDeleted)await rig.Gateway.Events.ReadAsync(rig.Timeout)).Ids);
        Assert.Equal(new GuildAvailable(new Snowflake(21)), await rig.Gateway.Events.ReadAsync(rig.Timeout));
        Assert.Equal(new GuildUnavailable(new Snowflake(21), IsOutage: true), await rig.Gateway.Events.ReadAsync(rig.Timeout));
        Assert.Equal(new GuildUnavailable(new Snowflake(21), IsOutage: false), await rig.Gateway.Events.ReadAsync(rig.Timeout));
    }

    [Fact]
    public async Task Broken_socket_is_resumed_at_the_resume_address_from_the_last_sequence_number_and_no_event_is_missed()
    {
        await using var rig = await DiscordGatewayRig.Start();
        var first = await rig.BecomeReady(resumeUrl: rig.Server.Url + "/resume");
        await first.Message(2, "one");
        await rig.Next<MessageCreated>();

        first.Abort();
        var second = await rig.Server.Accept(rig.Timeout);
        Assert.Equal(DiscordGatewayPhase.Resuming, (await rig.NextState(DiscordGatewayPhase.Resuming)).Phase);
        await second.Hello();
        var resume = (await second.Receive(6, rig.Timeout))["d"]!;
        await second.Message(3, "two");
        await second.Dispatch("RESUMED", 4, "{}");
        var replayed = await rig.Next<MessageCreated>();
        await rig.NextState(DiscordGatewayPhase.Ready);

        Assert.Equal("/resume?v=10&encoding=json", rig.Server.Opened.Last());
        Assert.Equal(
            (DiscordGatewayRig.Token, "s-1", 2L),
            (resume["token"]!.GetValue<string>(), resume["session_id"]!.GetValue<string>(), resume["seq"]!.GetValue<long>()));
        Assert.Equal("two", replayed.Message.Content);
        Assert.DoesNotContain(rig.ReadAvailable(), e => e is DiscordGatewayEventsMissed);
        Assert.Equal((1, 1), (rig.RestRequests, rig.LeasesTaken));
    }

    [Fact]
    public async Task Op_7_is_followed_by_a_resume_at_once_and_the_close_keeps_the_session()
    {
        await using var rig = await DiscordGatewayRig.Start();
        var first = await rig.BecomeReady();

        await first.Send("""{"op":7,"d":null}""");
        var code = await first.ReceiveEnd(rig.Timeout);
        var second = await rig.Server.Accept(rig.Timeout);
        await second.Hello();
        await second.Receive(6, rig.Timeout);

        Assert.NotNull(code);
        Assert.False(code is 1000 or 1001);
    }

    [Fact]
    public async Task Op_9_true_resumes_after_a_pause()
    {
        await using var rig = await DiscordGatewayRig.Start();
        var first = await rig.BecomeReady();

        await first.Send("""{"op":9,"d":true}""");
        await first.ReceiveEnd(rig.Timeout);
        await PassPauseOfInvalidSession(rig);
        var second = await rig.Server.Accept(rig.Timeout);
        await second.Hello();

        Assert.Equal("s-1", (await second.Receive(6, rig.Timeout))["d"]!["session_id"]!.GetValue<string>());
    }

    [Fact]
    public async Task Op_9_false_identifies_again_and_reports_since_when_events_may_be_missing()
    {
        await using var rig = await DiscordGatewayRig.Start();
        var first = await rig.BecomeReady();
        rig.Time.Advance(TimeSpan.FromSeconds(3));
        await first.Message(2, "the last one that was received");
        await rig.Next<MessageCreated>();
        var lastHeard = rig.Time.GetUtcNow();

        await first.Send("""{"op":9,"d":false}""");
        await first.ReceiveEnd(rig.Timeout);
        await PassPauseOfInvalidSession(rig);
        var second = await rig.Server.Accept(rig.Timeout);
        await second.Hello();
        await Until.Completed(second.Receive(2, rig.Timeout), rig.Time, TimeSpan.FromSeconds(6));
        await second.Ready("s-2");

        await rig.Next<DiscordGatewayReady>();
        Assert.Equal(new DiscordGatewayEventsMissed(lastHeard - TimeSpan.FromSeconds(10)), await rig.Gateway.Events.ReadAsync(rig.Timeout));
        Assert.Equal(2, rig.LeasesTaken);
    }

    [Fact]
    public async Task Rejected_resume_leads_to_a_new_session_which_reports_missed_events()
    {
        await using var rig = await DiscordGatewayRig.Start();
        var first = await rig.BecomeReady();
        first.Abort();
        var second = await rig.Server.Accept(rig.Timeout);
        // This state is dropped, so that the next pause is found below.
        await rig.NextState(DiscordGatewayPhase.Resuming);
        await second.Hello();
        await second.Receive(6, rig.Timeout);
        rig.Time.Advance(TimeSpan.FromSeconds(10));

        await second.Send("""{"op":9,"d":false}""");
        await second.ReceiveEnd(rig.Timeout);
        await PassPauseOfInvalidSession(rig);
        var third = await rig.Server.Accept(rig.Timeout);
        await third.Hello();
        await third.Receive(2, rig.Timeout);
        await third.Ready("s-2");
        await rig.Next<DiscordGatewayReady>();

        Assert.IsType<DiscordGatewayEventsMissed>(await rig.Gateway.Events.ReadAsync(rig.Timeout));
    }

    [Fact]
    public async Task Stopping_ends_the_session()
    {
        await using var rig = await DiscordGatewayRig.Start();
        var peer = await rig.BecomeReady();

        await rig.Stop();

        Assert.Equal(1000, await peer.ReceiveEnd(rig.Timeout));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => rig.Running);
        await rig.Gateway.Events.Completion.WaitAsync(rig.Timeout);
    }

    [Fact]
    public async Task Event_that_cannot_be_read_is_reported_as_missed_and_the_next_one_is_read()
    {
        await using var rig = await DiscordGatewayRig.Start();
        var peer = await rig.BecomeReady();

        await peer.Dispatch("MESSAGE_CREATE", 2, """{"id":"1","channel_id":"2","content":{"not":"text"}}""");
        await peer.Message(3, "fine");

        Assert.Equal(new DiscordGatewayEventsMissed(rig.Time.GetUtcNow() - TimeSpan.FromSeconds(10)), await rig.Gateway.Events.ReadAsync(rig.Timeout));
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
    public async Task Event_with_unexpected_data_does_not_prevent_the_next_one(string type, string data)
    {
        await using var rig = await DiscordGatewayRig.Start();
        var peer = await rig.BecomeReady();

        await peer.Dispatch(type, 2, data);
        await peer.Message(3, "fine");

        Assert.Equal("fine", (await rig.Next<MessageCreated>(e => e.Message is not null)).Message.Content);
        Assert.False(rig.Running.IsCompleted);
    }

    [Fact]
    public async Task Payload_that_is_not_json_ends_the_socket_but_not_the_session()
    {
        await using var rig = await DiscordGatewayRig.Start();
        var first = await rig.BecomeReady();

        await first.Send("not json");
        await first.ReceiveEnd(rig.Timeout);
        var second = await rig.Server.Accept(rig.Timeout);
        await second.Hello();

        await second.Receive(6, rig.Timeout);
    }

    [Fact]
    public async Task Token_is_not_logged()
    {
        await using var rig = await DiscordGatewayRig.Start();
        var first = await rig.BecomeReady();
        await first.Close(4004);
        await rig.Running;

        Assert.NotEmpty(rig.Log.Lines);
        Assert.DoesNotContain(DiscordGatewayRig.Token, string.Join('\n', rig.Log.Lines), StringComparison.Ordinal);
    }

    private static async Task PassPauseOfInvalidSession(DiscordGatewayRig rig)
    {
        await rig.NextState(DiscordGatewayPhase.Reconnecting);
        await Until.True(() => rig.Time.NextDue - rig.Time.GetUtcNow() <= TimeSpan.FromSeconds(5));
        var pause = rig.Time.NextDue!.Value - rig.Time.GetUtcNow();
        Assert.InRange(pause, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5));
        rig.Time.Advance(pause);
    }
}
