namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>The limits of a reply in the log.</summary>
public sealed class ReplyLimitsTests
{
    [Fact]
    public void Text_OfTheLongestLength_IsComplete()
    {
        var log = new ReplyLog(maxChars: 5, maxParts: 2);
        log.Append(log.Open("m1", TextKind.Reasoning), "ab");
        log.Append(log.Open("m1", TextKind.Answer), "cde");
        log.Complete(FinishReason.Stop);

        Assert.Equal([new ReasoningPart("ab"), new TextPart("cde")], log.Parts);
        Assert.Equal((null, FinishReason.Stop), (log.GetExchangeError(), log.FinishReason));
    }

    [Fact]
    public void SetUsage_NumbersThatCannotBe_AreLimited()
    {
        var log = new ReplyLog();
        log.SetUsage(new Usage(-5, long.MaxValue, long.MinValue) { CachedInputTokens = -1, ReasoningTokens = 3 });

        Assert.Equal(new Usage(0, 1_000_000_000, 0) { CachedInputTokens = 0, ReasoningTokens = 3 }, log.Usage);
    }

    [Fact]
    public void Append_TextThatIsTooLong_IsCutAndWhatFollowsIsIgnored()
    {
        var log = new ReplyLog(maxChars: 5, maxParts: 10);
        var part = log.Open("m1", TextKind.Answer);
        log.Append(part, "abcdefg");

        log.Append(part, "h");
        log.Set(part, "other");
        log.Append(log.Open("m2", TextKind.Answer), "i");
        log.Close(log.Open("m3", TextKind.Answer));
        log.Add(new FollowUpItem("f", "?"));
        log.Complete(FinishReason.Stop);

        AssertCut(log, "The reply is longer than 5 characters, so it was cut there.", new TextPart("abcde"));
    }

    [Fact]
    public void Append_LimitWithinASurrogatePair_DeliversNoHalfOfIt()
    {
        var log = new ReplyLog(maxChars: 2, maxParts: 10);
        log.Append(log.Open("m1", TextKind.Answer), "a\ud83d\ude00");

        AssertCut(log, "The reply is longer than 2 characters, so it was cut there.", new TextPart("a"));
    }

    [Fact]
    public void Set_RewritesWithinTheLimit_CountOnlyTheTextThatStays()
    {
        var log = new ReplyLog(maxChars: 5, maxParts: 10);
        var part = log.Open("m1", TextKind.Answer);
        foreach (var whole in (string[])["abcd", "x", "abcde"]) log.Set(part, whole);
        Assert.Null(log.Overflow);

        log.Set(part, "abcdef");

        AssertCut(log, "The reply is longer than 5 characters, so it was cut there.", new TextPart("abcde"));
        Assert.Equal(2, log.Rewrites.Count);
    }

    [Fact]
    public void Add_ContentsOfItems_CountAsText()
    {
        var log = new ReplyLog(maxChars: 5, maxParts: 10);
        log.Add(new CardItem("c1", "abc"));
        log.Add(new CardItem("c1", "abc"));
        log.Add(new CardItem("c2", "abc"));

        AssertCut(log, "The reply is longer than 5 characters, so it was cut there.", new ItemPart(new CardItem("c1", "abc")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Part_BeyondTheLastOne_IsNotAdded(bool isItem)
    {
        var log = new ReplyLog(maxChars: 100, maxParts: 2);
        log.Append(log.Open("m1", TextKind.Answer), "a");
        log.Append(log.Open("m2", TextKind.Answer), "b");
        log.Append(log.Open("m2", TextKind.Answer), "c");
        Assert.Null(log.Overflow);

        if (isItem) log.Add(new FollowUpItem("f", "?"));
        else log.Append(log.Open("m3", TextKind.Answer), "d");

        AssertCut(log, "The reply has more than 2 parts, so it was cut there.", new TextPart("a"), new TextPart("bc"));
    }

    [Fact]
    public void Append_ToAClosedPartOfAFullReply_IsNotAdded()
    {
        var log = new ReplyLog(maxChars: 100, maxParts: 2);
        var first = log.Open("m1", TextKind.Answer);
        log.Append(first, "a");
        log.Close(first);
        log.Append(log.Open("m2", TextKind.Answer), "b");

        log.Append(first, " late");

        AssertCut(log, "The reply has more than 2 parts, so it was cut there.", new TextPart("a"), new TextPart("b"));
    }

    [Fact]
    public void CreateEmpty_HasTheSameLimits()
    {
        var log = new ReplyLog(maxChars: 2, maxParts: 1);
        log.Append(log.Open("m1", TextKind.Answer), "abc");

        var next = log.CreateEmpty();
        Assert.Null(next.Overflow);
        next.Append(next.Open("m1", TextKind.Answer), "abc");

        AssertCut(next, "The reply is longer than 2 characters, so it was cut there.", new TextPart("ab"));
    }

    [Fact]
    public void FromStored_ReplyBeyondLimits_IsComplete()
    {
        ReplyPart[] parts = [.. Enumerable.Range(0, ConversationOptions.DefaultMaxReplyParts + 1).Select(i => new TextPart($"{i}"))];

        Assert.Equal(parts, ReplyLog.FromStored(parts, [], new ReplyCompleted(FinishReason.Stop, null, null)).Parts);
    }

    [Fact]
    public void Open_ManyMessagesAgain_FindsThePartOfEachMessageAndKind()
    {
        const int messages = 20_000;
        var log = new ReplyLog(maxParts: 2 * messages);
        (string Id, TextKind Kind)[] all =
            [.. Enumerable.Range(0, messages).SelectMany(i => ((string, TextKind)[])[($"m{i}", TextKind.Reasoning), ($"m{i}", TextKind.Answer)])];

        Assert.Equal(Enumerable.Range(0, 2 * messages), all.Select(one => log.Open(one.Id, one.Kind)));
        Assert.Equal(Enumerable.Range(0, 2 * messages), all.Select(one => log.Open(one.Id, one.Kind)));
        Assert.Null(log.Overflow);
    }

    [Fact]
    public void Open_MessageWithLateText_FindsItsLastPart()
    {
        var log = new ReplyLog();
        var first = log.Open("m1", TextKind.Answer);
        log.Close(first);
        var second = log.Open("m2", TextKind.Answer);
        log.Append(first, "late");

        Assert.Equal(second + 1, log.Open("m1", TextKind.Answer));
    }

    private static void AssertCut(ReplyLog log, string message, params ReplyPart[] parts)
    {
        Assert.Equal(new Error(ErrorCode.UpstreamProtocol, message), log.GetExchangeError());
        Assert.Equal((null, null), (log.FinishReason, log.Failure));
        var end = new ReplyFailed(log.Overflow!, null);
        log.Finish(end);
        Assert.Equal(parts, log.Parts);
        Assert.Same(end, log.Read("t", Cursor.Start, 100).Events[^1]);
    }
}
