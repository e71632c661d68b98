using CozeCluster.TestKit;

namespace CozeCluster.Discord.Tests;

public sealed class DiscordGatewayIdentifyTests
{
    [Fact]
    public async Task Without_identifies_left_it_waits_until_the_limit_is_reset_and_says_so()
    {
        await using var rig = await DiscordGatewayRig.Start(
            prepare: r => r.Bot = r.Bot with { SessionStartLimit = new SessionStartLimit { Remaining = 0, ResetAfter = 3_600_000 } });

        var state = await rig.NextState(DiscordGatewayPhase.Reconnecting);
        Assert.Equal((DiscordGatewayFault.IdentifyLimit, rig.Time.GetUtcNow() + TimeSpan.FromHours(1)), (state.Fault, state.Until));
        Assert.Empty(rig.Server.Opened);
        Assert.Equal(0, rig.LeasesTaken);

        rig.Bot = rig.Bot with { SessionStartLimit = new SessionStartLimit { Remaining = 1 } };
        await Until.WaitPassed(rig.Time, TimeSpan.FromHours(1));
        await rig.BecomeReady();
    }

    [Fact]
    public async Task Rejected_token_is_fatal_before_any_socket()
    {
        await using var rig = await DiscordGatewayRig.Start(prepare: r => r.RestError = new ClusterException(ErrorCode.UpstreamUnauthorized, "rejected"));

        var state = await rig.NextState(DiscordGatewayPhase.Fatal);

        Assert.Equal((DiscordGatewayFault.BadToken, "rejected"), (state.Fault, state.Reason));
        await rig.Running.WaitAsync(rig.Timeout);
    }

    [Fact]
    public async Task Unreachable_Discord_is_retried_with_growing_pauses()
    {
        await using var rig = await DiscordGatewayRig.Start(prepare: r => r.RestError = new ClusterException(ErrorCode.UpstreamUnavailable, "unreachable"));
        var pauses = new List<TimeSpan>();

        for (var i = 1; i <= 9; i++)
        {
            await Until.True(() => rig.RestRequests == i && rig.Time.ArmedTimers == 1);
            var start = rig.Time.GetUtcNow();
            pauses.Add(rig.Time.NextDue!.Value - start);
            rig.Time.Advance(pauses[^1]);
        }

        // Between half and all of 1, 2, 4, … 60 s.
        Assert.All(pauses.Index(), pause => Assert.InRange(pause.Item / TimeSpan.FromSeconds(Math.Min(60, Math.Pow(2, pause.Index))), 0.5, 1));
        Assert.Equal(DiscordGatewayPhase.Reconnecting, rig.Gateway.State.Phase);
    }

    [Fact]
    public async Task Exception_of_the_lease_ends_the_run_and_the_events()
    {
        await using var rig = await DiscordGatewayRig.Start(
            prepare: r => r.LeaseError = new ClusterException(ErrorCode.StateConflict, "another node has the lease"));

        var error = await Assert.ThrowsAsync<ClusterException>(() => rig.Running.WaitAsync(rig.Timeout));

        Assert.Equal(ErrorCode.StateConflict, error.Code);
        Assert.Empty(rig.Server.Opened);
        rig.ReadAvailable();
        await Assert.ThrowsAsync<ClusterException>(() => rig.Gateway.Events.Completion.WaitAsync(rig.Timeout));
    }

    [Fact]
    public async Task Session_that_cannot_be_resumed_is_discarded()
    {
        // The pauses are shorter than the connect timeout, so that moving the clock over a pause causes no timeout.
        await using var rig = await DiscordGatewayRig.Start(o => o with { MaxPause = TimeSpan.FromSeconds(10) });
        var first = await rig.BecomeReady();
        first.Abort();

        var sockets = 0;
        DiscordGatewayPeer peer;
        do
        {
            peer = await Until.Completed(rig.Server.Accept(rig.Timeout), rig.Time, TimeSpan.FromSeconds(11));
            sockets++;
            if (rig.LeasesTaken == 1) peer.Abort();
        }
        while (rig.LeasesTaken == 1);
        await peer.Hello();
        await Until.Completed(peer.Receive(2, rig.Timeout), rig.Time, TimeSpan.FromSeconds(6));
        await peer.Ready("s-2");

        await rig.Next<DiscordGatewayEventsMissed>();
        Assert.Equal(7, sockets);
    }

    [Fact]
    public async Task Shards_that_share_a_limit_identify_five_seconds_apart()
    {
        var time = new ManualTime();
        var pacing = new IdentifyPacing(time);

        await pacing.Wait(0, 2, CancellationToken.None);
        await pacing.Wait(1, 2, CancellationToken.None);
        var second = pacing.Wait(2, 2, CancellationToken.None).AsTask();
        var third = pacing.Wait(4, 2, CancellationToken.None).AsTask();
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.False(second.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(0.1));
        await second;
        Assert.False(third.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(5.1));
        await third;
    }
}
