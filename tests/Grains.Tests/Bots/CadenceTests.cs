namespace CozeCluster.Grains.Tests.Bots;

public sealed class CadenceTests
{
    private readonly CadenceState _state = new();

    private Cadence Cadence => new(_state);

    [Fact]
    public void Few_replies_teach_nothing()
    {
        for (var i = 1; i < Cadence.Few; i++) Add(1_000, 1_000);
        Assert.Null(Cadence.Learnt);

        Add(1_000, 1_000);
        Assert.NotNull(Cadence.Learnt);
    }

    [Fact]
    public void Longest_pause_of_a_few_counts()
    {
        foreach (var gap in (int[])[100, 900, 300, 200, 400]) Add(gap, 2 * gap);

        Assert.Equal((TimeSpan.FromMilliseconds(900), TimeSpan.FromMilliseconds(1_800)), (Cadence.Learnt!.FirstGap, Cadence.Learnt.LaterGap));
    }

    [Fact]
    public void Of_many_the_longest_twentieth_does_not()
    {
        for (var i = 0; i < 62; i++) Add(200, 500);
        Add(9_000, 9_000);
        Add(9_000, 9_000);

        Assert.Equal(TimeSpan.FromMilliseconds(500), Cadence.Learnt!.LaterGap);
    }

    [Fact]
    public void What_is_long_ago_is_forgotten()
    {
        for (var i = 0; i < 64; i++) Add(3_000, 3_000);
        for (var i = 0; i < 64; i++) Add(200, 300);

        Assert.Equal(TimeSpan.FromMilliseconds(300), Cadence.Learnt!.LaterGap);
        Assert.Equal(64, _state.LaterGaps.Count);
    }

    [Fact]
    public void Replies_that_come_at_once_have_no_pauses_but_count()
    {
        for (var i = 0; i < 5; i++) Cadence.Add(new ReplySample($"{i}", null, null, WasCut: false));

        Assert.Equal((5, TimeSpan.Zero), (Cadence.Learnt!.Replies, Cadence.Learnt.LaterGap));
    }

    [Fact]
    public void Cut_widens_up_to_a_limit_and_whole_replies_narrow_again()
    {
        for (var i = 0; i < 5; i++) Add(200, 300);
        Assert.Equal(1, Cadence.Learnt!.Widening);

        Cut();
        Assert.Equal(1.5, Cadence.Learnt!.Widening);
        for (var i = 0; i < 10; i++) Cut();
        Assert.Equal(4, Cadence.Learnt!.Widening);
        for (var i = 0; i < 200; i++) Add(200, 300);
        Assert.Equal(1, Cadence.Learnt!.Widening);
    }

    private void Add(int first, int later) =>
        Cadence.Add(new ReplySample("x", TimeSpan.FromMilliseconds(first), TimeSpan.FromMilliseconds(later), WasCut: false));

    private void Cut() => Cadence.Add(new ReplySample("x", null, TimeSpan.FromSeconds(1), WasCut: true));
}
