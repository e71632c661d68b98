using CozeCluster.TestKit;

namespace CozeCluster.Discord.Tests;

public sealed class InvalidRequestGuardTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void At_the_limit_nothing_more_is_sent_until_the_oldest_minute_is_ten_minutes_past()
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
    public void After_a_long_silence_nothing_is_left()
    {
        var guard = new InvalidRequestGuard(_time, 1);
        guard.Add();
        _time.Advance(TimeSpan.FromDays(30));

        guard.Check();

        Assert.Equal(0, guard.Count);
    }

    [Fact]
    public async Task Answers_of_401_403_and_429_count_and_the_last_allowed_one_is_the_last()
    {
        await using var rig = new RestRig(
            await RestServer.Start(RestServer.Answer("""{"message":"401: Unauthorized","code":0}""", 401), RestServer.Answer("""{"code":50001}""", 403), RestServer.Answer("""{"code":10003}""", 404)));

        for (var i = 0; i < 3; i++) await rig.Fails(rig.Rest.GetCurrentUser(rig.Stop));
        Assert.Equal(2, rig.Guard.Count);
        while (rig.Guard.Count < InvalidRequestGuard.DefaultLimit) rig.Guard.Add();
        var error = await rig.Fails(rig.Rest.GetCurrentUser(rig.Stop));

        Assert.NotNull(error.Until);
        Assert.Equal(3, rig.Requests.Count);
        Assert.InRange(InvalidRequestGuard.DefaultLimit, 1, 9_999);
    }
}
