
namespace CozeCluster.Discord.Tests;

public sealed class DiscordGatewayCloseCodeTests
{
    [Theory]
    [InlineData(4004, DiscordGatewayFault.BadToken)]
    [InlineData(4010, DiscordGatewayFault.BadShard)]
    [InlineData(4011, DiscordGatewayFault.ShardingRequired)]
    [InlineData(4012, DiscordGatewayFault.BadVersion)]
    [InlineData(4013, DiscordGatewayFault.BadIntents)]
    [InlineData(4014, DiscordGatewayFault.DisallowedIntents)]
    internal async Task Fatal_codes_stop_the_connection_with_a_reason(int code, DiscordGatewayFault fault)
    {
        await using var rig = await DiscordGatewayRig.Start();
        var peer = await rig.Server.Accept(rig.Timeout);
        await peer.Hello();
        await peer.Receive(2, rig.Timeout);

        await peer.Close(code);
        await rig.Running.WaitAsync(rig.Timeout);

        var state = await rig.NextState(DiscordGatewayPhase.Fatal);
        Assert.Equal((fault, rig.Gateway.State), (state.Fault, state));
        Assert.Contains($"({code})", state.Reason, StringComparison.Ordinal);
        await rig.Gateway.Events.Completion.WaitAsync(rig.Timeout);
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
    public async Task Other_codes_resume_the_session(int code)
    {
        await using var rig = await DiscordGatewayRig.Start();
        var first = await rig.BecomeReady();

        await first.Close(code);
        var second = await rig.Server.Accept(rig.Timeout);
        await second.Hello();

        await second.Receive(6, rig.Timeout);
    }

    [Theory]
    [InlineData(4003)]
    [InlineData(4007)]
    [InlineData(4009)]
    public async Task Lost_session_is_replaced_by_a_new_one_which_reports_missed_events(int code)
    {
        await using var rig = await DiscordGatewayRig.Start();
        var first = await rig.BecomeReady();

        await first.Close(code);
        var second = await Until.Completed(rig.Server.Accept(rig.Timeout), rig.Time, TimeSpan.FromSeconds(2));
        await second.Hello();
        await Until.Completed(second.Receive(2, rig.Timeout), rig.Time, TimeSpan.FromSeconds(6));
        await second.Ready("s-2");

        await rig.Next<DiscordGatewayEventsMissed>();
        Assert.Equal(2, rig.LeasesTaken);
    }
}
