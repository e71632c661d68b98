
namespace CozeCluster.Discord.Tests;

public sealed class GatewayCloseCodeTests
{
    [Theory]
    [InlineData(4004, GatewayFault.BadToken)]
    [InlineData(4010, GatewayFault.BadShard)]
    [InlineData(4011, GatewayFault.ShardingRequired)]
    [InlineData(4012, GatewayFault.BadVersion)]
    [InlineData(4013, GatewayFault.BadIntents)]
    [InlineData(4014, GatewayFault.DisallowedIntents)]
    internal async Task Fatal_codes_stop_it_with_a_reason(int code, GatewayFault fault)
    {
        await using var rig = await GatewayRig.Start();
        var peer = await rig.Server.Accept(rig.Guard);
        await peer.Hello();
        await peer.Hear(2, rig.Guard);

        await peer.Close(code);
        await rig.Running.WaitAsync(rig.Guard);

        var state = await rig.NextState(GatewayPhase.Fatal);
        Assert.Equal((fault, rig.Gateway.State), (state.Fault, state));
        Assert.Contains($"({code})", state.Reason, StringComparison.Ordinal);
        await rig.Gateway.Events.Completion.WaitAsync(rig.Guard);
        Assert.Single(rig.Server.Opened);
    }

    [Theory]
    [InlineData(4000)]
    [InlineData(4001)]
    [InlineData(4002)]
    [InlineData(4005)]
    [InlineData(4008)]
    [InlineData(4999)]
    [InlineData(1001)]
    public async Task Passing_troubles_are_resumed(int code)
    {
        await using var rig = await GatewayRig.Start();
        var first = await rig.BecomeReady();

        await first.Close(code);
        var second = await rig.Server.Accept(rig.Guard);
        await second.Hello();

        await second.Hear(6, rig.Guard);
    }

    [Theory]
    [InlineData(4003)]
    [InlineData(4007)]
    [InlineData(4009)]
    public async Task Lost_sessions_are_begun_anew_and_missed_events_told(int code)
    {
        await using var rig = await GatewayRig.Start();
        var first = await rig.BecomeReady();

        await first.Close(code);
        var second = await Until.Done(rig.Server.Accept(rig.Guard), rig.Time, TimeSpan.FromSeconds(2));
        await second.Hello();
        await Until.Done(second.Hear(2, rig.Guard), rig.Time, TimeSpan.FromSeconds(6));
        await second.Ready("s-2");

        await rig.Next<GatewayEventsMissed>();
        Assert.Equal(2, rig.GatesPassed);
    }
}
