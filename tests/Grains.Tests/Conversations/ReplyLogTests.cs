using System.Text;

namespace CozeCluster.Grains.Tests.Conversations;

public sealed class ReplyLogTests
{
    private readonly ReplyLog _log = new();

    [Fact]
    public void Read_AfterAppends_ReturnsNewTextOnce()
    {
        var part = _log.Open("m1", TextKind.Answer);
        _log.Append(part, "Hel");
        var first = _log.Read("t", Cursor.Start, 100);
        _log.Append(part, "lo");
        var second = _log.Read("t", first.Next, 100);

        Assert.Equal("Hel", TextOf(first));
        Assert.Equal("lo", TextOf(second));
        Assert.Equal(new Cursor(0, 5), second.Next);
        Assert.True(_log.HasNothingAfter(second.Next));
    }

    [Fact]
    public void Read_HalfASurrogatePair_WaitsForTheOtherHalf()
    {
        var part = _log.Open("m1", TextKind.Answer);
        _log.Append(part, "a\ud83d");
        var first = _log.Read("t", Cursor.Start, 100);
        Assert.Equal("a", TextOf(first));
        Assert.True(_log.HasNothingAfter(first.Next));

        _log.Append(part, "\ude00");
        Assert.Equal("\ud83d\ude00", TextOf(_log.Read("t", first.Next, 100)));
    }

    [Fact]
    public void Finish_WithinASurrogatePair_DeliversAndStoresNoHalfOfIt()
    {
        _log.Append(_log.Open("m1", TextKind.Answer), "a\ud83d");
        var end = new ReplyFailed(new Error(ErrorCode.Cancelled, "Cancelled."), null);

        _log.Finish(end);

        var batch = _log.Read("t", Cursor.Start, 100);
        Assert.Equal("a", TextOf(batch));
        Assert.Same(end, batch.Events[^1]);
        Assert.Equal(new Cursor(0, 1), batch.Next);
        Assert.Equal(batch.Next, _log.EndCursor);
        Assert.Equal([new TextPart("a")], _log.Parts);
    }

    [Fact]
    public void Read_HalfASurrogatePairBeforeAnotherPart_DoesNotHoldItBack()
    {
        var first = _log.Open("m1", TextKind.Answer);
        _log.Append(first, "a\ud83d");
        _log.Append(_log.Open("m2", TextKind.Answer), "b");
        Assert.True(_log.HasOpenText);

        _log.Close(first);

        Assert.Equal("ab", TextOf(_log.Read("t", Cursor.Start, 100)));
    }

    [Fact]
    public void GetLength_OfAnyPart_IsThatOfItsText()
    {
        var text = _log.Open("m1", TextKind.Answer);
        _log.Append(text, "a\ud83d");
        _log.Add(new FollowUpItem("f", "Why?"));
        Assert.Equal((2, 0, 0), (_log.GetLength(text), _log.GetLength(1), _log.GetLength(2)));
        _log.Set(text, "abc");
        Assert.Equal(3, _log.GetLength(text));
    }

    [Fact]
    public void Read_PartBehindAnOpenPart_WaitsUntilThatIsClosed()
    {
        var first = _log.Open("m1", TextKind.Answer);
        _log.Append(first, "one");
        var second = _log.Open("m2", TextKind.Answer);
        _log.Append(second, "two");
        var batch = _log.Read("t", Cursor.Start, 100);
        Assert.Equal("one", TextOf(batch));

        _log.Append(first, "!");
        _log.Close(first);
        batch = _log.Read("t", batch.Next, 100);
        Assert.Equal(["!", "two"], batch.Events.Cast<ReplyText>().Select(text => text.Text.ToString()));
        Assert.Equal(1, batch.Events.Cast<ReplyText>().Last().Answer);
    }

    [Fact]
    public void Set_LongerText_AppendsWithoutARewrite()
    {
        var part = _log.Open("m1", TextKind.Answer);
        _log.Set(part, "Hello");
        var first = _log.Read("t", Cursor.Start, 100);
        _log.Set(part, "Hello, world");
        var second = _log.Read("t", first.Next, 100);

        Assert.Equal(", world", TextOf(second));
        Assert.DoesNotContain(second.Events, one => one is ReplyRewritten);
    }

    [Fact]
    public void Set_ChangedText_ReportsTheRewriteToReadersOfTheOldText()
    {
        var part = _log.Open("m1", TextKind.Answer);
        _log.Set(part, "Hello wor");
        var reader = _log.Read("t", Cursor.Start, 100);
        _log.Set(part, "Hello, world");

        var batch = _log.Read("t", reader.Next, 100);
        Assert.Equal(new ReplyRewritten(0, 5), batch.Events[0]);
        Assert.Equal(", world", ((ReplyText)batch.Events[1]).Text.ToString());
        Assert.Equal(new Cursor(0, 12, 1), batch.Next);

        var newReader = _log.Read("t", Cursor.Start, 100);
        Assert.Equal("Hello, world", TextOf(newReader));
    }

    [Fact]
    public void Set_ChangeBehindTheCursor_IsNoRewriteForTheReader()
    {
        var part = _log.Open("m1", TextKind.Answer);
        _log.Set(part, "Hello wor");
        _log.Set(part, "Hello, world");

        var batch = _log.Read("t", new Cursor(0, 3), 100);
        Assert.Equal("lo, world", TextOf(batch));
        Assert.DoesNotContain(batch.Events, one => one is ReplyRewritten);
    }

    [Fact]
    public void Add_SameItemTwice_IsAddedOnce()
    {
        _log.Add(new FollowUpItem("f1", "And then?"));
        _log.Add(new FollowUpItem("f1", "And then?"));
        Assert.Single(_log.Parts);
    }

    [Fact]
    public void Append_ToAClosedPartBeforeOthers_AddsANewPart()
    {
        var first = _log.Open("m1", TextKind.Answer);
        _log.Append(first, "one");
        _log.Close(first);
        _log.Add(new FollowUpItem("f1", "And then?"));
        var reader = _log.Read("t", Cursor.Start, 100);

        _log.Append(first, " more");
        Assert.Equal(" more", TextOf(_log.Read("t", reader.Next, 100)));
    }

    [Fact]
    public void Finish_CursorsBehindAllContent_ReadTheEnd()
    {
        var part = _log.Open("m1", TextKind.Answer);
        _log.Append(part, "all");
        var reader = _log.Read("t", Cursor.Start, 100);
        Assert.False(reader.IsLast);
        _log.Finish(new ReplyCompleted(FinishReason.Stop, null, null));

        Assert.True(_log.Read("t", reader.Next, 100).IsLast);
        Assert.True(_log.Read("t", new Cursor(9, 0), 100).IsLast);
        Assert.Equal("all", TextOf(_log.Read("t", Cursor.Start, 100)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Any_chunks_and_any_reads_give_the_same_reply(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 200; round++)
        {
            var (log, whole) = (new ReplyLog(), new StringBuilder());
            var received = new StringBuilder();
            var cursor = Cursor.Start;
            var parts = random.Next(1, 4);
            for (var p = 0; p < parts; p++)
            {
                var part = log.Open($"m{p}", TextKind.Answer);
                for (var chunk = random.Next(0, 12); chunk > 0; chunk--)
                {
                    var text = RandomText(random);
                    // The cut may be anywhere, also between the halves of a surrogate pair.
                    var cut = random.Next(0, text.Length + 1);
                    log.Append(part, text.AsSpan(0, cut));
                    Drain(random.Next(1, 9));
                    log.Append(part, text.AsSpan(cut));
                    whole.Append(text);
                    if (random.Next(2) == 0) Drain(random.Next(1, 9));
                    // A client that reconnects sends its cursor as text.
                    Assert.True(Cursor.TryParse(cursor.ToString(), out cursor));
                }
                log.Close(part);
            }
            log.Finish(new ReplyCompleted(FinishReason.Stop, null, null));
            while (!Drain(random.Next(1, 9))) { }
            Assert.Equal(whole.ToString(), received.ToString());

            bool Drain(int max)
            {
                var batch = log.Read("t", cursor, max);
                foreach (var text in batch.Events.OfType<ReplyText>())
                {
                    Assert.False(text.Text.Length > 0 && char.IsHighSurrogate(text.Text.Span[^1]));
                    received.Append(text.Text);
                }
                cursor = batch.Next;
                return batch.IsLast;
            }
        }
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void Any_rewrites_give_the_final_text_to_readers_that_apply_them(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 300; round++)
        {
            var log = new ReplyLog();
            var part = log.Open("m", TextKind.Answer);
            var (text, received, cursor) = ("", "", Cursor.Start);
            for (var edit = 0; edit < 10; edit++)
            {
                text = random.Next(3) == 0 ? text[..random.Next(0, text.Length + 1)] + RandomText(random) : text + RandomText(random);
                log.Set(part, text);
                if (random.Next(2) == 0) Drain();
            }
            log.Finish(new ReplyCompleted(FinishReason.Stop, null, null));
            Drain();
            // The edits may cut between the halves of a surrogate pair.
            Assert.Equal(text.Length > 0 && char.IsHighSurrogate(text[^1]) ? text[..^1] : text, received);

            void Drain()
            {
                var batch = log.Read("t", cursor, 1000);
                foreach (var one in batch.Events)
                {
                    if (one is ReplyRewritten rewritten) received = received[..rewritten.Offset];
                    if (one is ReplyText more) received += more.Text.ToString();
                }
                cursor = batch.Next;
            }
        }
    }

    private static string RandomText(Random random) => string.Concat(Enumerable.Range(0, random.Next(0, 6)).Select(_ => random.Next(4) switch
    {
        0 => "\ud83d\ude00",
        1 => "é",
        2 => "中",
        _ => "a",
    }));

    private static string TextOf(ReplyBatch batch) => string.Concat(batch.Events.OfType<ReplyText>().Select(text => text.Text.ToString()));
}
