namespace CozeCluster.Grains.Tests.Bots;

public sealed class CadenceTests
{
    private readonly CadenceState _state = new();

    private Cadence Cadence => new(_state);

    [Fact]
    public void Few_replies_do_not_show_the_pace()
    {
        Assert.Null(Cadence.Result);
        for (var i = 1; i < ReplyCadence.MinReplies; i++) Add(1_000, 1_000);
        Assert.False(Cadence.Result!.IsPaceKnown);

        Add(1_000, 1_000);
        Assert.True(Cadence.Result!.IsPaceKnown);
    }

    [Fact]
    public void Result_is_the_longest_of_a_few_pauses()
    {
        foreach (var gap in (int[])[100, 900, 300, 200, 400]) Add(gap, 2 * gap);

        Assert.Equal((TimeSpan.FromMilliseconds(900), TimeSpan.FromMilliseconds(1_800)), (Cadence.Result!.FirstGap, Cadence.Result.LaterGap));
    }

    [Fact]
    public void Rare_long_pause_counts()
    {
        for (var i = 0; i < 63; i++) Add(200, 500);
        Add(200, 9_000);

        Assert.Equal(TimeSpan.FromSeconds(9), Cadence.Result!.LaterGap);
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

    [Fact]
    public void Bot_that_was_only_seen_to_end_with_buttons_ends_with_buttons()
    {
        AddEnding(ReplyEnding.Buttons);

        Assert.True(Cadence.Result!.EndsWithButtons);
    }

    [Fact]
    public void Bot_that_was_seen_to_end_without_buttons_ends_without_them_until_it_has_long_used_them_again()
    {
        AddEnding(ReplyEnding.Buttons);
        AddEnding(ReplyEnding.Silence);
        for (var i = 0; i < 19; i++) AddEnding(ReplyEnding.Buttons);
        Assert.False(Cadence.Result!.EndsWithButtons);

        AddEnding(ReplyEnding.Buttons);
        Assert.True(Cadence.Result!.EndsWithButtons);
    }

    [Fact]
    public void Bot_whose_buttons_did_not_come_several_times_in_a_row_ends_without_them()
    {
        AddEnding(ReplyEnding.Buttons);
        AddEnding(ReplyEnding.Unfinished);
        AddEnding(ReplyEnding.Unfinished);
        AddEnding(ReplyEnding.Buttons);
        AddEnding(ReplyEnding.Unfinished);
        AddEnding(ReplyEnding.Unfinished);
        Assert.True(Cadence.Result!.EndsWithButtons);

        AddEnding(ReplyEnding.Unfinished);

        Assert.False(Cadence.Result!.EndsWithButtons);
        Assert.Equal(2, Cadence.Result.Replies);
    }

    [Fact]
    public void Reply_that_nobody_saw_end_says_nothing_about_buttons()
    {
        AddEnding(ReplyEnding.Buttons);
        AddCut();

        Assert.True(Cadence.Result!.EndsWithButtons);
    }

    private void AddEnding(ReplyEnding ending) => Cadence.Add(new ReplySample("x", null, null, WasCut: false) { Ending = ending });

    private void Add(int first, int later) =>
        Cadence.Add(new ReplySample("x", TimeSpan.FromMilliseconds(first), TimeSpan.FromMilliseconds(later), WasCut: false));

    private void AddCut() => Cadence.Add(new ReplySample("x", null, TimeSpan.FromSeconds(1), WasCut: true));
}
