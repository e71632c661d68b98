
namespace CozeCluster.Discord.Tests;

public sealed class GatewayHeartbeatTests
{
    private const int Interval = 40_000;
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(Interval);

    [Fact]
    public async Task It_beats_first_within_the_interval_then_at_each_with_the_last_number()
    {
        await using var rig = await GatewayRig.Start();
        var start = rig.Time.GetUtcNow();
        var peer = await rig.BecomeReady(interval: Interval);

        var first = await HearBeat(rig, peer);
        var firstAt = rig.Time.GetUtcNow();
        await peer.Say("""{"op":11}""");
        await peer.Message(7, "x");
        await rig.Next<MessageCreated>();
        var second = await HearBeat(rig, peer);

        Assert.InRange(firstAt - start, TimeSpan.Zero, Beat);
        Assert.Equal(Beat, rig.Time.GetUtcNow() - firstAt);
        Assert.Equal((1L, 7L), (first, second));
    }

    [Fact]
    public async Task Before_any_dispatch_it_beats_with_null()
    {
        await using var rig = await GatewayRig.Start();
        var peer = await rig.Server.Accept(rig.Guard);
        await peer.Hello(Interval);
        await peer.Hear(2, rig.Guard);

        Assert.Null(await HearBeat(rig, peer));
    }

    [Fact]
    public async Task Asked_for_a_beat_it_beats_at_once()
    {
        await using var rig = await GatewayRig.Start();
        var peer = await rig.BecomeReady(interval: Interval);

        await peer.Say("""{"op":1,"d":null}""");

        Assert.Equal(1, (await peer.Hear(1, rig.Guard))["d"]!.GetValue<long>());
    }

    [Fact]
    public async Task A_beat_that_nobody_acknowledges_ends_the_socket_and_the_session_is_resumed()
    {
        await using var rig = await GatewayRig.Start();
        var zombie = await rig.BecomeReady(interval: Interval);
        await HearBeat(rig, zombie);

        await Until.Waits(rig.Time, Beat);
        var code = await zombie.HearEnd(rig.Guard);
        var state = await rig.NextState(GatewayPhase.Reconnecting);
        var next = await rig.Server.Accept(rig.Guard);
        await next.Hello(Interval);

        Assert.Equal("s-1", (await next.Hear(6, rig.Guard))["d"]!["session_id"]!.GetValue<string>());
        Assert.Contains("heartbeat", state.Reason, StringComparison.Ordinal);
        Assert.False(code is 1000 or 1001);
    }

    [Fact]
    public async Task A_gateway_that_only_acknowledges_and_begins_no_session_is_left()
    {
        await using var rig = await GatewayRig.Start();
        var stuck = await rig.Server.Accept(rig.Guard);
        await stuck.Hello(Interval);
        await stuck.Hear(2, rig.Guard);
        for (var beats = 0; beats < 3; beats++)
        {
            await HearBeat(rig, stuck);
            await stuck.Say("""{"op":11}""");
            // Asked for a beat behind it, it has read the acknowledgement when it beats.
            await stuck.Say("""{"op":1,"d":null}""");
            await stuck.Hear(1, rig.Guard);
        }

        await Until.Waits(rig.Time, Beat);
        await stuck.HearEnd(rig.Guard);
        var state = await rig.NextState(GatewayPhase.Reconnecting);
        rig.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Contains("session", state.Reason, StringComparison.Ordinal);
        await (await rig.Server.Accept(rig.Guard)).Hello(Interval);
    }

    [Fact]
    public async Task While_the_reader_takes_its_time_the_socket_is_no_zombie()
    {
        await using var rig = await GatewayRig.Start(o => o with { EventBuffer = 1 });
        var peer = await rig.BecomeReady(interval: Interval);
        await HearBeat(rig, peer);
        // One fits, one waits at the door, and the acknowledgement behind it.
        await peer.Message(2, "one");
        await peer.Message(3, "two");
        await Until.True(() => rig.Gateway.Events.TryPeek(out _));
        await Until.True(() => rig.Gateway.IsWaitingForReader);
        await peer.Say("""{"op":11}""");

        Assert.Equal(3, await HearBeat(rig, peer));
        Assert.Equal("one", (await rig.Next<MessageCreated>()).Message.Content);
        Assert.Equal("two", (await rig.Next<MessageCreated>()).Message.Content);
        Assert.Equal(GatewayPhase.Ready, rig.Gateway.State.Phase);
    }

    [Fact]
    public async Task A_gateway_that_asks_for_beats_without_end_does_not_make_it_exceed_the_send_limit()
    {
        await using var rig = await GatewayRig.Start();
        var peer = await rig.BecomeReady(interval: int.MaxValue);

        for (var i = 0; i < 130; i++) await peer.Say("""{"op":1,"d":null}""");
        // When this is heard, all of them were.
        await peer.Message(2, "x");
        await rig.Next<MessageCreated>();
        rig.Time.Advance(TimeSpan.FromSeconds(61));
        await peer.Say("""{"op":1,"d":null}""");

        // The identify is one of 110.
        for (var i = 0; i < 109; i++) Assert.Equal(1, (await peer.Hear(1, rig.Guard))["d"]!.GetValue<long>());
        Assert.Equal(2, (await peer.Hear(1, rig.Guard))["d"]!.GetValue<long>());
    }

    /// <summary>Lets time pass until the next beat, and gives its number.</summary>
    private static async Task<long?> HearBeat(GatewayRig rig, GatewayPeer peer)
    {
        // Connected and at rest, nothing but the beat waits.
        await Until.True(() => rig.Time.ArmedTimers == 1 && rig.Time.NextDue - rig.Time.GetUtcNow() <= Beat);
        rig.Time.Advance(rig.Time.NextDue!.Value - rig.Time.GetUtcNow());
        return (await peer.Hear(1, rig.Guard))["d"]?.GetValue<long>();
    }
}
