using CozeCluster.TestKit;

namespace CozeCluster.Discord.Tests;

public sealed class InvalidRequestGuardTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void At_the_limit_no_request_is_allowed_until_the_oldest_minute_is_ten_minutes_old()
    {
        var guard = new InvalidRequestGuard(_time, 3);
        guard.Add();
        _time.Advance(TimeSpan.FromMinutes(2));
        guard.Add();
        guard.Check();
        guard.Add();

        var error = Assert.Throws<ClusterException>(guard.Check);

        Assert.Equal(ErrorCode.UpstreamRateLimited, error.Code);
        Assert.Equal(TimeSpan.FromMinutes(9), error.Until - _time.GetUtcNow());
        _time.Advance(TimeSpan.FromMinutes(9) - TimeSpan.FromTicks(1));
        Assert.Throws<ClusterException>(guard.Check);
        _time.Advance(TimeSpan.FromTicks(1));
        guard.Check();
        Assert.Equal(2, guard.Count);
    }

    [Fact]
    public void After_a_long_time_nothing_is_counted()
    {
        var guard = new InvalidRequestGuard(_time, 1);
        guard.Add();
        _time.Advance(TimeSpan.FromDays(30));

        guard.Check();

        Assert.Equal(0, guard.Count);
    }

    [Fact]
    public async Task Responses_with_401_403_and_429_count_and_no_request_is_sent_at_the_limit()
    {
        await using var rig = new RestRig(
            await RestServer.Start(
                RestServer.Respond("""{"message":"401: Unauthorized","code":0}""", 401),
                RestServer.Respond("""{"code":50001}""", 403),
                RestServer.Respond("""{"code":10003}""", 404)));

        for (var i = 0; i < 3; i++) await rig.ExpectError(rig.Rest.GetCurrentUser(rig.Timeout));
        Assert.Equal(2, rig.Guard.Count);
        while (rig.Guard.Count < InvalidRequestGuard.DefaultLimit) rig.Guard.Add();
        var error = await rig.ExpectError(rig.Rest.GetCurrentUser(rig.Timeout));

        Assert.NotNull(error.Until);
        Assert.Equal(3, rig.Requests.Count);
        Assert.InRange(InvalidRequestGuard.DefaultLimit, 1, 9_999);
    }
}
