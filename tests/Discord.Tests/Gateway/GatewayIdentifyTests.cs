using CozeCluster.TestKit;

namespace CozeCluster.Discord.Tests;

public sealed class GatewayIdentifyTests
{
    [Fact]
    public async Task With_no_identify_left_it_waits_until_there_are_some_and_says_so()
    {
        await using var rig = await GatewayRig.Start(
            prepare: r => r.Bot = r.Bot with { SessionStartLimit = new SessionStartLimit { Remaining = 0, ResetAfter = 3_600_000 } });

        var state = await rig.NextState(GatewayPhase.Reconnecting);
        Assert.Equal((GatewayFault.IdentifyLimit, rig.Time.GetUtcNow() + TimeSpan.FromHours(1)), (state.Fault, state.Until));
        Assert.Empty(rig.Server.Opened);
        Assert.Equal(0, rig.GatesPassed);

        rig.Bot = rig.Bot with { SessionStartLimit = new SessionStartLimit { Remaining = 1 } };
        await Until.Waits(rig.Time, TimeSpan.FromHours(1));
        await rig.BecomeReady();
    }

    [Fact]
    public async Task A_refused_token_is_fatal_before_any_socket()
    {
        await using var rig = await GatewayRig.Start(prepare: r => r.DescribeFails = new ClusterException(ErrorCode.UpstreamUnauthorized, "refused"));

        var state = await rig.NextState(GatewayPhase.Fatal);

        Assert.Equal((GatewayFault.BadToken, "refused"), (state.Fault, state.Reason));
        await rig.Running.WaitAsync(rig.Guard);
    }

    [Fact]
    public async Task A_Discord_that_cannot_be_reached_is_tried_again_with_growing_pauses()
    {
        await using var rig = await GatewayRig.Start(prepare: r => r.DescribeFails = new ClusterException(ErrorCode.UpstreamUnavailable, "away"));
        var pauses = new List<TimeSpan>();

        for (var i = 1; i <= 9; i++)
        {
            await Until.True(() => rig.Described == i && rig.Time.ArmedTimers == 1);
            var start = rig.Time.GetUtcNow();
            pauses.Add(rig.Time.NextDue!.Value - start);
            rig.Time.Advance(pauses[^1]);
        }

        // Between half and all of 1, 2, 4, … 60 s.
        Assert.All(pauses.Index(), pause => Assert.InRange(pause.Item / TimeSpan.FromSeconds(Math.Min(60, Math.Pow(2, pause.Index))), 0.5, 1));
        Assert.Equal(GatewayPhase.Reconnecting, rig.Gateway.State.Phase);
    }

    [Fact]
    public async Task What_the_gate_throws_ends_the_run_and_its_events()
    {
        await using var rig = await GatewayRig.Start(prepare: r => r.GateFails = new ClusterException(ErrorCode.StateConflict, "the lease is another's"));

        var error = await Assert.ThrowsAsync<ClusterException>(() => rig.Running.WaitAsync(rig.Guard));

        Assert.Equal(ErrorCode.StateConflict, error.Code);
        Assert.Empty(rig.Server.Opened);
        rig.Taken();
        await Assert.ThrowsAsync<ClusterException>(() => rig.Gateway.Events.Completion.WaitAsync(rig.Guard));
    }

    [Fact]
    public async Task A_session_that_cannot_be_resumed_anywhere_is_given_up()
    {
        // Pauses shorter than the time-out of connecting, so that letting the one pass is not the other.
        await using var rig = await GatewayRig.Start(o => o with { LongestPause = TimeSpan.FromSeconds(10) });
        var first = await rig.BecomeReady();
        first.Cut();

        var sockets = 0;
        GatewayPeer peer;
        do
        {
            peer = await Until.Done(rig.Server.Accept(rig.Guard), rig.Time, TimeSpan.FromSeconds(11));
            sockets++;
            if (rig.GatesPassed == 1) peer.Cut();
        }
        while (rig.GatesPassed == 1);
        await peer.Hello();
        await Until.Done(peer.Hear(2, rig.Guard), rig.Time, TimeSpan.FromSeconds(6));
        await peer.Ready("s-2");

        await rig.Next<GatewayEventsMissed>();
        Assert.Equal(7, sockets);
    }

    [Fact]
    public async Task Shards_of_one_lane_take_turns_five_seconds_apart()
    {
        var time = new ManualTime();
        var turns = new IdentifyTurns(time);

        await turns.Wait(0, 2, CancellationToken.None);
        await turns.Wait(1, 2, CancellationToken.None);
        var second = turns.Wait(2, 2, CancellationToken.None).AsTask();
        var third = turns.Wait(4, 2, CancellationToken.None).AsTask();
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.False(second.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(0.1));
        await second;
        Assert.False(third.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(5.1));
        await third;
    }

    [Fact]
    public void Guilds_belong_to_shards_by_their_time() =>
        Assert.Equal((0, 1), (DiscordGatewayOptions.ShardOf(new Snowflake(238_418_579_102UL << 22), 2), DiscordGatewayOptions.ShardOf(new Snowflake(238_418_579_103UL << 22), 2)));
}
