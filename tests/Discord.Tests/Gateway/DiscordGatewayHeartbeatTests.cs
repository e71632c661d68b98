
namespace CozeCluster.Discord.Tests;

public sealed class DiscordGatewayHeartbeatTests
{
    private const int Interval = 40_000;
    private static readonly TimeSpan IntervalTime = TimeSpan.FromMilliseconds(Interval);

    [Fact]
    public async Task First_heartbeat_is_within_the_interval_and_each_contains_the_last_sequence_number()
    {
        await using var rig = await DiscordGatewayRig.Start();
        var start = rig.Time.GetUtcNow();
        var peer = await rig.BecomeReady(interval: Interval);

        var first = await ReceiveHeartbeat(rig, peer);
        var firstAt = rig.Time.GetUtcNow();
        await peer.Send("""{"op":11}""");
        await peer.Message(7, "x");
        await rig.Next<MessageCreated>();
        var second = await ReceiveHeartbeat(rig, peer);

        Assert.InRange(firstAt - start, TimeSpan.Zero, IntervalTime);
        Assert.Equal(IntervalTime, rig.Time.GetUtcNow() - firstAt);
        Assert.Equal((1L, 7L), (first, second));
    }

    [Fact]
    public async Task Heartbeat_before_any_dispatch_contains_null()
    {
        await using var rig = await DiscordGatewayRig.Start();
        var peer = await rig.Server.Accept(rig.Timeout);
        await peer.Hello(Interval);
        await peer.Receive(2, rig.Timeout);

        Assert.Null(await ReceiveHeartbeat(rig, peer));
    }

    [Fact]
    public async Task Requested_heartbeat_is_sent_at_once()
    {
        await using var rig = await DiscordGatewayRig.Start();
        var peer = await rig.BecomeReady(interval: Interval);

        await peer.Send("""{"op":1,"d":null}""");

        Assert.Equal(1, (await peer.Receive(1, rig.Timeout))["d"]!.GetValue<long>());
    }

    [Fact]
    public async Task Heartbeat_without_acknowledgement_ends_the_socket_and_the_session_is_resumed()
    {
        await using var rig = await DiscordGatewayRig.Start();
        var silent = await rig.BecomeReady(interval: Interval);
        await ReceiveHeartbeat(rig, silent);

        await Until.WaitPassed(rig.Time, IntervalTime);
        var code = await silent.ReceiveEnd(rig.Timeout);
        var state = await rig.NextState(DiscordGatewayPhase.Reconnecting);
        var next = await rig.Server.Accept(rig.Timeout);
        await next.Hello(Interval);

        Assert.Equal("s-1", (await next.Receive(6, rig.Timeout))["d"]!["session_id"]!.GetValue<string>());
        Assert.Contains("heartbeat", state.Reason, StringComparison.Ordinal);
        Assert.False(code is 1000 or 1001);
    }

    [Fact]
    public async Task Gateway_that_acknowledges_heartbeats_but_starts_no_session_is_left()
    {
        await using var rig = await DiscordGatewayRig.Start();
        var stuck = await rig.Server.Accept(rig.Timeout);
        await stuck.Hello(Interval);
        await stuck.Receive(2, rig.Timeout);
        for (var heartbeats = 0; heartbeats < 3; heartbeats++)
        {
            await ReceiveHeartbeat(rig, stuck);
            await stuck.Send("""{"op":11}""");
            // The client answers the request after it has read the acknowledgement.
            await stuck.Send("""{"op":1,"d":null}""");
            await stuck.Receive(1, rig.Timeout);
        }

        await Until.WaitPassed(rig.Time, IntervalTime);
        await stuck.ReceiveEnd(rig.Timeout);
        var state = await rig.NextState(DiscordGatewayPhase.Reconnecting);
        rig.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Contains("session", state.Reason, StringComparison.Ordinal);
        await (await rig.Server.Accept(rig.Timeout)).Hello(Interval);
    }

    [Fact]
    public async Task Slow_reader_does_not_count_as_a_missing_acknowledgement()
    {
        await using var rig = await DiscordGatewayRig.Start(o => o with { EventBuffer = 1 });
        var peer = await rig.BecomeReady(interval: Interval);
        await ReceiveHeartbeat(rig, peer);
        // The buffer holds one event. The second waits for it, and the acknowledgement is behind that.
        await peer.Message(2, "one");
        await peer.Message(3, "two");
        await Until.True(() => rig.Gateway.Events.TryPeek(out _));
        await Until.True(() => rig.Gateway.IsWaitingForReader);
        await peer.Send("""{"op":11}""");

        Assert.Equal(3, await ReceiveHeartbeat(rig, peer));
        Assert.Equal("one", (await rig.Next<MessageCreated>()).Message.Content);
        Assert.Equal("two", (await rig.Next<MessageCreated>()).Message.Content);
        Assert.Equal(DiscordGatewayPhase.Ready, rig.Gateway.State.Phase);
    }

    [Fact]
    public async Task Many_requested_heartbeats_do_not_exceed_the_send_limit()
    {
        await using var rig = await DiscordGatewayRig.Start();
        var peer = await rig.BecomeReady(interval: int.MaxValue);

        for (var i = 0; i < 130; i++) await peer.Send("""{"op":1,"d":null}""");
        // When this is received, all requests were.
        await peer.Message(2, "x");
        await rig.Next<MessageCreated>();
        rig.Time.Advance(TimeSpan.FromSeconds(61));
        await peer.Send("""{"op":1,"d":null}""");

        // The identify is one of the 110 payloads.
        for (var i = 0; i < 109; i++) Assert.Equal(1, (await peer.Receive(1, rig.Timeout))["d"]!.GetValue<long>());
        Assert.Equal(2, (await peer.Receive(1, rig.Timeout))["d"]!.GetValue<long>());
    }

    /// <summary>Moves the clock to the next heartbeat, and returns its sequence number.</summary>
    private static async Task<long?> ReceiveHeartbeat(DiscordGatewayRig rig, DiscordGatewayPeer peer)
    {
        // The heartbeat is the only timer of a connection without traffic.
        await Until.True(() => rig.Time.ArmedTimers == 1 && rig.Time.NextDue - rig.Time.GetUtcNow() <= IntervalTime);
        rig.Time.Advance(rig.Time.NextDue!.Value - rig.Time.GetUtcNow());
        return (await peer.Receive(1, rig.Timeout))["d"]?.GetValue<long>();
    }
}
