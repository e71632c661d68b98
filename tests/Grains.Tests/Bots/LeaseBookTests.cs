using CozeCluster.TestKit;

namespace CozeCluster.Grains.Tests.Bots;

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
    public void Count_LeaseNotRenewed_IsNotCounted()
    {
        _book.Take("dead");
        _time.Advance(TimeSpan.FromSeconds(20));
        _book.Take("alive");
        _time.Advance(TimeSpan.FromSeconds(15));

        Assert.Equal(1, _book.Count);
        Assert.False(_book.Holds("dead"));
        Assert.True(_book.Holds("alive"));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public void Count_SystemClockIsSet_DoesNotChange(int hours)
    {
        var clock = new AdjustableClock();
        var book = new LeaseBook(clock, TimeSpan.FromSeconds(30));
        book.Take("a");
        Assert.Equal(1, book.Count);
        clock.Adjustment = TimeSpan.FromHours(hours);
        Assert.Equal(1, book.Count);
        Assert.True(book.Holds("a"));

        clock.Passed = TimeSpan.FromSeconds(31);
        Assert.Equal(0, book.Count);
    }

    [Fact]
    public void Return_LeaseNotHeld_ReturnsFalse()
    {
        _book.Take("a");
        Assert.True(_book.Return("a"));
        Assert.False(_book.Return("a"));
        Assert.Equal(0, _book.Count);
    }

    private sealed class AdjustableClock : TimeProvider
    {
        public TimeSpan Passed { get; set; }

        public TimeSpan Adjustment { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Passed.Ticks;

        public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero) + Passed + Adjustment;
    }
}
