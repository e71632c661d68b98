using CozeCluster.TestKit;
using CozeCluster.Upstreams.Tests;

namespace CozeCluster.Discord.Tests;

/// <summary>When a reply ends, and what is written until then.</summary>
public sealed class DiscordReplyTests
{
    private const string Bot = "31";

    private readonly ManualTime _time = new();
    private readonly RecordingSink _sink = new();

    [Fact]
    public async Task Growing_text_is_written_and_buttons_end_the_reply()
    {
        var reply = Reply();
        await Say(reply, "Hel");
        Assert.Equal(ReplyStep.Write, Step(reply));
        await Say(reply, "Hello", buttons: ["More"]);
        Read(reply);

        Assert.Equal("Hello", _sink.Answer);
        Assert.Equal(FinishReason.Stop, _sink.Finish);
        Assert.Equal("More", Assert.IsType<FollowUpItem>(Assert.Single(_sink.Items)).Text);
        Assert.Equal(ReplyStep.Complete, Step(reply));
    }

    [Fact]
    public async Task Silence_counts_from_the_last_change()
    {
        var reply = Reply();
        await Say(reply, "one");
        _time.Advance(TimeSpan.FromSeconds(9));
        await Say(reply, "one two");
        Read(reply);
        Assert.Equal(TimeSpan.FromSeconds(10), Wait(reply));

        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(ReplyStep.DecideEnd, Step(reply));
        reply.DecideEnd();
        Read(reply);
        Assert.Equal(FinishReason.Stop, _sink.Finish);
    }

    [Fact]
    public async Task Wait_is_rounded_up_to_milliseconds()
    {
        var reply = Reply();
        await Say(reply, "one");
        Read(reply);

        _time.Advance(TimeSpan.FromSeconds(9) + TimeSpan.FromMilliseconds(999.3));
        Assert.Equal(TimeSpan.FromMilliseconds(1), Wait(reply));
        _time.Advance(TimeSpan.FromMilliseconds(0.7));
        Assert.Equal(ReplyStep.DecideEnd, Step(reply));
    }

    [Fact]
    public async Task Known_cadence_shortens_the_wait_within_the_bots_limits()
    {
        Assert.Equal(TimeSpan.FromMilliseconds(0.4 * 1_400 + 250), await WaitAfter(changes: 2, Cadence(100, 400)));
        Assert.Equal(TimeSpan.FromMilliseconds(2 * 1_400 + 250), await WaitAfter(changes: 1, Cadence(2_000, 400)));
        Assert.Equal(TimeSpan.FromSeconds(0.8), await WaitAfter(changes: 2, Cadence(10, 10)));
        Assert.Equal(TimeSpan.FromSeconds(30), await WaitAfter(changes: 2, Cadence(10, 60_000)));
        Assert.Equal(TimeSpan.FromMilliseconds(0.4 * 1_400 * 2 + 250), await WaitAfter(changes: 2, Cadence(100, 400, widening: 2)));
    }

    [Fact]
    public async Task Reply_that_is_slower_than_usual_gets_a_longer_wait()
    {
        var reply = Reply(Cadence(100, 100));
        await Say(reply, "one");
        await Say(reply, "one two");
        _time.Advance(TimeSpan.FromSeconds(0.7));
        await Say(reply, "one two three");
        Read(reply);

        Assert.Equal(TimeSpan.FromMilliseconds(700 * 1.4 + 250), Wait(reply));
    }

    [Fact]
    public async Task Typing_after_the_last_change_prolongs_the_wait_and_typing_before_it_does_not()
    {
        var reply = Reply(Cadence(100, 100));
        await Type(reply);
        await Say(reply, "one");
        Read(reply);
        Assert.Equal(TimeSpan.FromSeconds(0.8), Wait(reply));

        await Type(reply);
        Read(reply);
        Assert.Equal(TimeSpan.FromSeconds(10.5), Wait(reply));
    }

    [Fact]
    public async Task Typing_in_a_shared_channel_does_not_prolong_the_wait()
    {
        var reply = Reply(Cadence(100, 100), isExclusive: false);
        await Say(reply, "one");
        await Type(reply);
        Read(reply);

        Assert.Equal(TimeSpan.FromSeconds(0.8), Wait(reply));
    }

    [Fact]
    public async Task Typing_before_the_beginning_is_a_change_without_text_and_prolongs_the_wait()
    {
        var reply = Reply();
        Read(reply);
        _time.Advance(TimeSpan.FromSeconds(40));
        Assert.Equal(TimeSpan.FromSeconds(20), Wait(reply));

        await Type(reply);
        Assert.Equal(ReplyStep.Write, Step(reply));
        Read(reply);
        Assert.Equal(TimeSpan.FromSeconds(60), Wait(reply));
        Assert.Empty(_sink.Order);
    }

    [Fact]
    public async Task Status_text_is_never_written_and_needs_only_the_shortest_silence()
    {
        var reply = Reply();
        const string StatusText = "You have exceeded the daily limit for sending messages to the bot. Please try again later.";
        await Say(reply, StatusText[..9]);
        Read(reply);
        await Say(reply, StatusText);
        Read(reply);
        Assert.Equal(TimeSpan.FromSeconds(0.8), Wait(reply));
        _time.Advance(TimeSpan.FromSeconds(0.8));
        reply.DecideEnd();
        Read(reply);

        Assert.Empty(_sink.Order);
        Assert.Equal((ErrorCode.UpstreamQuotaExceeded, RecoveryAction.RotateAccount), (_sink.Failure!.Code, _sink.Failure.RecoveryAction));
        Assert.NotNull(_sink.Failure.Until);
        Assert.Null(reply.Sample);
    }

    [Fact]
    public async Task Messages_that_the_length_limit_cut_are_one_part_and_others_are_parts_of_their_own()
    {
        var reply = Reply();
        await Say(reply, new string('a', 2_000), id: "103");
        await Say(reply, "b", id: "104");
        await Say(reply, "And another thing", id: "105", buttons: ["x"]);
        Read(reply);

        Assert.Equal([new string('a', 2_000) + "b", "And another thing"], _sink.Answers);
        Assert.Equal(["103", "105"], _sink.Closed);
    }

    [Theory]
    [InlineData(2_000, "and on", "")]
    [InlineData(1_900, "and on", "")]
    [InlineData(1_999, "🚀 and on", "")]
    [InlineData(1_999, "and on", "\n")]
    [InlineData(1_723, "and on", "\n")]
    [InlineData(1_003, "and on", "\n")]
    public async Task Long_message_is_continued_without_a_blank_line(int length, string rest, string separator)
    {
        var reply = Reply();
        await Say(reply, new string('a', length), id: "103");
        await Say(reply, rest[..3], id: "104");
        Read(reply);
        await Say(reply, rest, id: "104", buttons: ["x"]);
        Read(reply);

        Assert.Equal(new string('a', length) + separator + rest, Assert.Single(_sink.Answers));
    }

    [Fact]
    public async Task Part_is_closed_when_the_next_one_begins_and_joined_messages_stay_joined()
    {
        var reply = Reply();
        await Say(reply, new string('a', 2_000), id: "103");
        Read(reply);
        await Say(reply, "b", id: "104");
        Read(reply);
        await Say(reply, new string('a', 100), id: "103");
        Read(reply);
        Assert.Equal(new string('a', 100) + "b", _sink.Answer);
        Assert.Empty(_sink.Closed);

        await Say(reply, "c", id: "105");
        Read(reply);
        Assert.Equal(["103"], _sink.Closed);
    }

    [Fact]
    public async Task Channel_is_read_first_after_missed_events()
    {
        var reply = Reply();
        await Say(reply, "one", id: "103");
        Read(reply);
        await reply.OnEvents([new DiscordEventsMissed(), Message("two", "105")]);
        Assert.Equal(ReplyStep.ReadChannel, Step(reply));

        var known = reply.MessageIds;
        Assert.True(reply.Merge([Message("one", "103"), Message("between", "104"), Message("two", "105")], isComplete: true, known));
        Read(reply);

        Assert.Equal(["one", "between", "two"], _sink.Answers);
        await Say(reply, "two!", id: "105", buttons: ["x"]);
        Assert.Null(reply.Sample);
    }

    [Fact]
    public async Task Message_that_a_reading_does_not_contain_is_deleted_unless_it_arrived_during_the_reading()
    {
        var reply = Reply();
        await Say(reply, "one", id: "103");
        var known = reply.MessageIds;
        await Say(reply, "two", id: "104");

        reply.Merge([], isComplete: true, known);
        Read(reply);

        Assert.Equal(["two"], _sink.Answers);
    }

    [Fact]
    public async Task Reply_does_not_end_if_content_arrived_before_the_decision()
    {
        var reply = Reply();
        await Say(reply, "one");
        Read(reply);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(ReplyStep.DecideEnd, Step(reply));

        await Say(reply, "one two");
        reply.DecideEnd();

        Assert.Null(reply.Outcome);
    }

    [Fact]
    public async Task Reply_that_continues_after_its_end_is_reported_once_with_its_pause()
    {
        var reply = Reply();
        await Say(reply, "one");
        _time.Advance(TimeSpan.FromSeconds(10));
        reply.DecideEnd();
        Read(reply);
        reply.DecideEnd();
        Assert.Equal(ReplyEnding.Silence, reply.Sample!.Ending);
        Assert.False(reply.CutOff.IsCompleted);

        _time.Advance(TimeSpan.FromSeconds(3));
        await Say(reply, "one two");
        await Say(reply, "one two three");

        Assert.True(reply.CutOff.IsCompleted);
        Assert.Equal((TimeSpan.FromSeconds(13), true, ReplyEnding.Unknown), (reply.Sample.FirstGap, reply.Sample.WasCut, reply.Sample.Ending));
        Assert.Equal("one", _sink.Answer);
    }

    [Fact]
    public async Task Buttons_after_the_supposed_end_show_how_the_bot_ends_its_replies()
    {
        var reply = await EndedBySilence();

        await Say(reply, "one two", buttons: ["More"]);

        Assert.Equal((true, ReplyEnding.Buttons), (reply.Sample!.WasCut, reply.Sample.Ending));
    }

    [Fact]
    public async Task End_of_a_reply_is_not_known_if_events_were_missed_after_it()
    {
        var reply = await EndedBySilence();

        await reply.OnEvents([new DiscordEventsMissed()]);

        Assert.Equal(ReplyEnding.Unknown, reply.Sample!.Ending);
        Assert.False(reply.CutOff.IsCompleted);
    }

    [Fact]
    public async Task Bot_whose_replies_end_with_buttons_is_waited_for_until_they_come()
    {
        var reply = Reply(Cadence(10, 10, buttons: true));
        await Say(reply, "one");
        Read(reply);
        Assert.Equal(TimeSpan.FromSeconds(118), Wait(reply));

        _time.Advance(TimeSpan.FromSeconds(117));
        await Say(reply, "one two");
        await Say(reply, "one two three", buttons: ["More"]);
        Read(reply);

        Assert.Equal(("one two three", FinishReason.Stop), (_sink.Answer, _sink.Finish));
        Assert.Equal(ReplyEnding.Buttons, reply.Sample!.Ending);
    }

    [Fact]
    public async Task Missing_buttons_of_a_bot_that_always_adds_them_are_an_error_and_never_an_end()
    {
        var reply = Reply(Cadence(10, 10, buttons: true));
        await Say(reply, "one");
        await Type(reply);
        Read(reply);
        _time.Advance(TimeSpan.FromSeconds(118));
        Assert.Equal(ReplyStep.DecideEnd, Step(reply));
        reply.DecideEnd();
        Read(reply);

        Assert.Equal((ErrorCode.UpstreamTimeout, null), (_sink.Failure!.Code, _sink.Finish));
        Assert.Contains("incomplete", _sink.Failure.Message, StringComparison.Ordinal);
        Assert.Equal(ReplyEnding.Unfinished, reply.Sample!.Ending);
    }

    [Fact]
    public async Task Status_text_of_a_bot_that_adds_buttons_has_none()
    {
        var reply = Reply(Cadence(10, 10, buttons: true));
        await Say(reply, "I'm sorry, but I can't assist with that.");
        Read(reply);

        Assert.Equal(TimeSpan.FromSeconds(0.8), Wait(reply));
    }

    [Fact]
    public async Task Pauses_are_those_of_Discords_clock_also_if_events_arrive_late_and_together()
    {
        var reply = Reply();
        var start = _time.GetUtcNow();
        _time.Advance(TimeSpan.FromSeconds(8));
        int[] seconds = [0, 4, 5, 8];
        await reply.OnEvents([.. seconds.Select(second => Message(new string('x', second + 1), "103") with { EditedAt = start.AddSeconds(second) })]);
        await Say(reply, "all", buttons: ["x"]);

        Assert.Equal((TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(3)), (reply.Sample!.FirstGap, reply.Sample.LaterGap));
    }

    [Fact]
    public async Task Pauses_are_those_of_the_nodes_clock_if_Discord_gives_no_times()
    {
        var reply = Reply();
        foreach (var text in new[] { "a", "ab", "abc" })
        {
            await reply.OnEvents([Message(text, "103") with { EditedAt = null }]);
            _time.Advance(TimeSpan.FromSeconds(2));
        }
        await reply.OnEvents([Message("abcd", "103") with { EditedAt = null, HasButtons = true }]);

        Assert.Equal((TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2)), (reply.Sample!.FirstGap, reply.Sample.LaterGap));
    }

    [Fact]
    public async Task Sample_contains_the_first_pause_and_the_longest_of_the_others()
    {
        var reply = Reply();
        foreach (var (text, after) in new[] { ("a", 0), ("ab", 3), ("abc", 1), ("abcd", 2) })
        {
            _time.Advance(TimeSpan.FromSeconds(after));
            await Say(reply, text);
        }
        await Say(reply, "abcde", buttons: ["x"]);

        Assert.Equal((TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(2), false), (reply.Sample!.FirstGap, reply.Sample.LaterGap, reply.Sample.WasCut));
    }

    [Fact]
    public void Reply_that_is_resumed_after_a_crash_gets_its_whole_silence_whatever_Discords_clock_says()
    {
        var reply = Reply(isResumed: true);
        Assert.Equal(ReplyStep.ReadChannel, Step(reply));
        reply.Merge([Message("one", "103") with { EditedAt = _time.GetUtcNow() - TimeSpan.FromMinutes(1) }], isComplete: true, []);
        Read(reply);

        Assert.Equal(TimeSpan.FromSeconds(10), Wait(reply));
    }

    [Fact]
    public async Task Closed_reply_rejects_events()
    {
        var reply = Reply();
        reply.Close();

        Assert.False(await reply.OnEvents([Message("one", "103")]));
    }

    private DiscordReply Reply(ReplyCadence? cadence = null, bool isExclusive = true, bool isResumed = false)
    {
        var reply = new DiscordReply(
            new ReplyMessages(Bot, DiscordRecognition.Reference, isExclusive),
            new ReplyPace(
                new DiscordReplyEnd { ColdWait = TimeSpan.FromSeconds(10) },
                firstWait: TimeSpan.FromSeconds(60), idleTimeout: TimeSpan.FromSeconds(120), countsTyping: isExclusive, _time),
            text => CozeStatusTexts.Match(text, _time.GetUtcNow()));
        reply.SetCadence(cadence);
        reply.OnPosted(["100"], "21", isResumed);
        return reply;
    }

    private async Task<TimeSpan> WaitAfter(int changes, ReplyCadence cadence)
    {
        var reply = Reply(cadence);
        for (var i = 0; i < changes; i++) await Say(reply, new string('x', i + 1));
        reply.WriteTo(new RecordingSink());
        return Wait(reply);
    }

    private void Read(DiscordReply reply) => reply.WriteTo(_sink);

    private ValueTask<bool> Say(DiscordReply reply, string text, string id = "103", string[]? buttons = null) =>
        reply.OnEvents([Message(text, id) with { HasButtons = buttons is not null, Suggestions = buttons ?? [] }]);

    private static ValueTask<bool> Type(DiscordReply reply) => reply.OnEvents([new DiscordTyping("1", Bot)]);

    private DiscordMessageSeen Message(string text, string id) =>
        new() { Id = id, ChannelId = "1", AuthorId = Bot, Text = text, RepliesTo = "100", EditedAt = _time.GetUtcNow() };

    private static ReplyStep Step(DiscordReply reply) => reply.GetNextStep(out _, out _);

    private static TimeSpan Wait(DiscordReply reply)
    {
        Assert.Equal(ReplyStep.Wait, reply.GetNextStep(out _, out var wait));
        return wait;
    }

    private async Task<DiscordReply> EndedBySilence()
    {
        var reply = Reply();
        await Say(reply, "one");
        _time.Advance(TimeSpan.FromSeconds(10));
        reply.DecideEnd();
        Read(reply);
        reply.DecideEnd();
        Assert.Equal(ReplyOutcome.Silence, reply.Outcome);
        return reply;
    }

    private static ReplyCadence Cadence(int first, int later, double widening = 1, bool buttons = false) =>
        new(10, TimeSpan.FromMilliseconds(first), TimeSpan.FromMilliseconds(later), widening) { EndsWithButtons = buttons };
}
