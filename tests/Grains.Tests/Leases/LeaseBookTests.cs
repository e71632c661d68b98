using CozeCluster.TestKit;

namespace CozeCluster.Grains.Tests.Leases;

public sealed class LeaseBookTests
{
    private readonly ManualTime _time = new();
    private readonly LeaseBook _book;

    public LeaseBookTests() => _book = new LeaseBook(_time, TimeSpan.FromSeconds(30));

    [Fact]
    public void Take_SameIdTwice_CountsOnce()
    {
        _book.Take("a");
        _book.Take("a");
        Assert.Equal(1, _book.Count);
    }

    [Fact]
    public void Count_LeaseNotRenewed_FreesItself()
    {
        _book.Take("dead");
        _time.Advance(TimeSpan.FromSeconds(20));
        _book.Take("alive");
        _time.Advance(TimeSpan.FromSeconds(15));

        Assert.Equal(1, _book.Count);
        Assert.False(_book.Holds("dead"));
        Assert.True(_book.Holds("alive"));
    }

    [Fact]
    public void Return_LeaseNotHeld_SaysSo()
    {
        _book.Take("a");
        Assert.True(_book.Return("a"));
        Assert.False(_book.Return("a"));
        Assert.Equal(0, _book.Count);
    }
}
