using CozeCluster.TestKit;

namespace CozeCluster.Grains.Tests.Bots;

/// <summary>How silos know the loads of bots.</summary>
public sealed class BotLoadsTests
{
    private readonly ManualTime _time = new();
    private readonly BotLoads _loads;

    public BotLoadsTests() => _loads = new BotLoads(_time);

    [Fact]
    public void Of_ABotThatNobodyRepeats_BecomesZero()
    {
        _loads.Report("a", 3);
        _time.Advance(LeaseRequest.Lifetime - TimeSpan.FromSeconds(1));
        Assert.Equal(3, _loads.Of("a"));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, _loads.Of("a"));
    }

    [Fact]
    public void Expect_CountsUntilTheBotSaysSo_OrForASecond()
    {
        _loads.Expect("a");
        _loads.Expect("a");
        Assert.Equal(2, _loads.Of("a"));
        _loads.Report("a", 1);
        Assert.Equal(1, _loads.Of("a"));
        _loads.Expect("a");
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, _loads.Of("a"));
    }

    [Fact]
    public void TakeUnsent_ReturnsEachReportOnce_AndNothingOfOtherSilos()
    {
        _loads.Report("a", 3);
        _loads.Report("a", 2);
        _loads.Learn([new BotLoad("b", 5)]);

        Assert.Equal([new BotLoad("a", 2)], _loads.TakeUnsent());
        Assert.Empty(_loads.TakeUnsent());
        Assert.Equal(5, _loads.Of("b"));
    }

    [Fact]
    public void Exchange_PassesWhatOthersHaveSaidSinceTheLastCall()
    {
        var board = new LoadBoard();
        Assert.Empty(board.Exchange("one", [new BotLoad("a", 1)]));
        Assert.Equal([new BotLoad("a", 1)], board.Exchange("two", [new BotLoad("b", 2)]));
        Assert.Equal([new BotLoad("b", 2)], board.Exchange("one", []));
        Assert.Empty(board.Exchange("one", []));
        Assert.Empty(board.Exchange("two", []));
        board.Exchange("one", [new BotLoad("a", 0)]);
        Assert.Equal([new BotLoad("a", 0)], board.Exchange("two", []));
    }
}
