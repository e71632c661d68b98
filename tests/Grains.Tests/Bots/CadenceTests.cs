namespace CozeCluster.Grains.Tests.Bots;

public sealed class CadenceTests
{
    private readonly CadenceState _state = new();

    private Cadence Cadence => new(_state);

    [Fact]
    public void Few_replies_give_no_result()
    {
        for (var i = 1; i < Cadence.MinReplies; i++) Add(1_000, 1_000);
        Assert.Null(Cadence.Result);

        Add(1_000, 1_000);
        Assert.NotNull(Cadence.Result);
    }

    [Fact]
    public void Result_is_the_longest_of_a_few_pauses()
    {
        foreach (var gap in (int[])[100, 900, 300, 200, 400]) Add(gap, 2 * gap);

        Assert.Equal((TimeSpan.FromMilliseconds(900), TimeSpan.FromMilliseconds(1_800)), (Cadence.Result!.FirstGap, Cadence.Result.LaterGap));
    }

    [Fact]
    public void Result_is_the_95th_percentile_of_many_pauses()
    {
        for (var i = 0; i < 62; i++) Add(200, 500);
        Add(9_000, 9_000);
        Add(9_000, 9_000);

        Assert.Equal(TimeSpan.FromMilliseconds(500), Cadence.Result!.LaterGap);
    }

    [Fact]
    public void Only_the_latest_replies_count()
    {
        for (var i = 0; i < 64; i++) Add(3_000, 3_000);
        for (var i = 0; i < 64; i++) Add(200, 300);

        Assert.Equal(TimeSpan.FromMilliseconds(300), Cadence.Result!.LaterGap);
        Assert.Equal(64, _state.LaterGaps.Count);
    }

    [Fact]
    public void Replies_without_pauses_count_as_replies()
    {
        for (var i = 0; i < 5; i++) Cadence.Add(new ReplySample($"{i}", null, null, WasCut: false));

        Assert.Equal((5, TimeSpan.Zero), (Cadence.Result!.Replies, Cadence.Result.LaterGap));
    }

    [Fact]
    public void Cut_replies_widen_up_to_a_limit_and_complete_replies_narrow_again()
    {
        for (var i = 0; i < 5; i++) Add(200, 300);
        Assert.Equal(1, Cadence.Result!.Widening);

        AddCut();
        Assert.Equal(1.5, Cadence.Result!.Widening);
        for (var i = 0; i < 10; i++) AddCut();
        Assert.Equal(4, Cadence.Result!.Widening);
        for (var i = 0; i < 200; i++) Add(200, 300);
        Assert.Equal(1, Cadence.Result!.Widening);
    }

    private void Add(int first, int later) =>
        Cadence.Add(new ReplySample("x", TimeSpan.FromMilliseconds(first), TimeSpan.FromMilliseconds(later), WasCut: false));

    private void AddCut() => Cadence.Add(new ReplySample("x", null, TimeSpan.FromSeconds(1), WasCut: true));
}
