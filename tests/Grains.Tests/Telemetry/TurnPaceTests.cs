using CozeCluster.TestKit;

namespace CozeCluster.Grains.Tests.Telemetry;

public sealed class TurnPaceTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void OneAttempt_TimesAreThoseOfItsSteps()
    {
        var pace = new TurnPace(_time);
        _time.Advance(TimeSpan.FromSeconds(1));
        pace.Run();
        _time.Advance(TimeSpan.FromSeconds(2));
        pace.Open("coze");
        _time.Advance(TimeSpan.FromSeconds(4));
        pace.ReadFirstText();
        pace.Read();
        _time.Advance(TimeSpan.FromSeconds(8));
        pace.Read();
        _time.Advance(TimeSpan.FromSeconds(16));
        pace.Read();

        Assert.Equal(new TurnTiming("coze", TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(4)), pace.Timing);
        Assert.Equal((TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(12)), (pace.FirstText, pace.BetweenDeltas));
    }

    [Fact]
    public void TwoAttempts_FirstTextIsThatOfTheLastAndTheRestIsNotOursAlone()
    {
        var pace = new TurnPace(_time);
        pace.Run();
        pace.Open("coze");
        _time.Advance(TimeSpan.FromSeconds(1));
        pace.Open("openai");
        _time.Advance(TimeSpan.FromSeconds(2));
        pace.ReadFirstText();

        Assert.Equal((TimeSpan.FromSeconds(2), "openai"), (pace.UpstreamFirstText, pace.Upstream));
        Assert.Null(pace.Timing);
    }

    [Fact]
    public void NoText_HasNoTimes()
    {
        var pace = new TurnPace(_time);
        pace.Run();
        pace.Open("coze");
        pace.Read();

        Assert.Equal((null, null, null), (pace.FirstText, pace.BetweenDeltas, pace.Timing));
    }

    [Fact]
    public void WithoutAListener_SpansAreNotCreated()
    {
        var progress = new TurnProgress
        {
            Row = new TurnRow
            {
                Id = 1, Version = 0, TurnId = "t", TenantId = "acme", Model = "m", Status = TurnStatus.Queued, CreatedAt = _time.GetUtcNow(),
                IsHistory = false, Details = [],
            },
        };
        // The first call creates the source of the spans.
        TurnSpans.BeginTurn(progress);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var span = TurnSpans.BeginTurn(progress);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Null(span);
        Assert.Equal(0, allocated);
    }
}
