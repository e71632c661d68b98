using System.Diagnostics.Metrics;
using CozeCluster.Sandbox.Discord;
using CozeCluster.TestKit;

namespace CozeCluster.Discord.Tests;

/// <summary>When replies without buttons end. The silo has a manual clock; Discord uses the machine's.</summary>
public sealed class EndTests
{
    private readonly ManualTime _time = new(DateTimeOffset.UtcNow);

    [Fact]
    public async Task Bot_with_unknown_cadence_gets_twenty_seconds_of_silence()
    {
        await using var silo = await DiscordSilo.Start(_time);
        var turn = await WithoutButtons(silo);

        await Pass(19.5);
        Assert.Null(turn.End);
        await PassUntilEnd(turn);

        Assert.Equal("All there is", await turn.UntilComplete());
    }

    [Fact]
    public async Task Bot_that_ends_without_buttons_gets_little_more_than_its_pauses_once_it_is_known()
    {
        await using var silo = await DiscordSilo.Start(_time);
        for (var i = 1; i <= 5; i++)
        {
            await PassUntilEnd(await WithoutButtons(silo));
            // The end is known when nothing has followed for a while.
            await Pass(31);
            await Until.True(() => silo.BotGrain("b1").GetCadence().Result?.Replies == i, "a learned reply");
        }
        var turn = await WithoutButtons(silo);

        // Its pauses were a few milliseconds, so the shortest silence is enough.
        await Pass(0.6);
        Assert.Null(turn.End);
        await Pass(0.5);

        Assert.Equal("All there is", await turn.UntilComplete());
    }

    [Fact]
    public async Task Bot_that_ends_with_buttons_is_waited_for_through_any_pause()
    {
        await using var silo = await DiscordSilo.Start(_time, bots: DiscordSilo.Bot("b1") with { Timeouts = TurnTimeouts.Default });
        for (var i = 0; i < 6; i++) await (await silo.Run("x [[chunks=3 pace=5ms]]")).UntilComplete();
        var (turn, edit) = await BeginByHand(silo, "Half of it", "b1");

        await Pass(100);
        Assert.Null(turn.End);
        edit("Half of it, and the rest", ["More"]);

        Assert.Equal("Half of it, and the rest", await turn.UntilComplete());
    }

    [Fact]
    public async Task Buttons_that_do_not_come_are_an_error_until_the_bot_is_known_to_end_without_them()
    {
        await using var silo = await DiscordSilo.Start(_time);
        await (await silo.Run("x [[chunks=3 pace=5ms]]")).UntilComplete();
        for (var i = 0; i < 3; i++)
        {
            var cut = await WithoutButtons(silo);
            await PassUntilEnd(cut);
            Assert.Equal(ErrorCode.UpstreamTimeout, cut.Error?.Code);
            Assert.Contains("incomplete", cut.Error!.Message, StringComparison.Ordinal);
            // The breaker lets turns pass again.
            await Pass(15);
        }

        var turn = await WithoutButtons(silo);
        await PassUntilEnd(turn);

        Assert.Equal("All there is", await turn.UntilComplete());
    }

    [Fact]
    public async Task Silence_is_no_end_while_Discord_cannot_be_read()
    {
        await using var silo = await DiscordSilo.Start(_time);
        var (turn, _) = await BeginByHand(silo, "Half of it", "b1");

        silo.Kill();
        // At once, so that the silence is over before the node notices anything else.
        _time.Advance(TimeSpan.FromSeconds(21));
        await PassUntilEnd(turn);

        Assert.Equal(ErrorCode.UpstreamUnavailable, turn.Error?.Code);
    }

    [Fact]
    public async Task Cadence_survives_a_restart_of_the_silo()
    {
        await using var silo = await DiscordSilo.Start(_time);
        for (var i = 0; i < 5; i++) await (await silo.Run("x [[chunks=3 pace=5ms]]")).UntilComplete();
        Assert.Equal(5, (await silo.BotGrain("b1").GetCadence())?.Replies);

        await silo.Restart();

        Assert.Equal(5, (await silo.BotGrain("b1").GetCadence())?.Replies);
    }

    [Fact]
    public async Task Text_after_the_end_is_counted_and_prolongs_the_wait_for_the_bot()
    {
        using var cuts = new CutCounter("cut-bot");
        // Its channel is kept until it is known that nothing follows.
        await using var silo = await DiscordSilo.Start(_time, bots: DiscordSilo.Bot("cut-bot", ("delete_after", "0")));
        var (turn, edit) = await BeginByHand(silo, "All there is", "cut-bot");
        await PassUntilEnd(turn);
        Assert.Equal("All there is", await turn.UntilComplete());

        edit("All there is but this", []);

        await Until.True(() => cuts.Count == 1, "the metric");
        await Until.True(() => silo.BotGrain("cut-bot").GetCadence().Result?.Widening > 1, "a longer wait");
    }

    [Fact]
    public async Task Text_that_no_event_delivered_is_found_by_reading_the_channel()
    {
        await using var silo = await DiscordSilo.Start(_time);
        var turn = await silo.Begin("x [[say=\"First words, last words\" chunks=2 buttons=0 pace=1s]]");
        await turn.UntilText("First word");
        silo.Discord.StopAcking();
        await silo.Finished();

        await PassUntilEnd(turn);

        Assert.Equal("First words, last words", await turn.UntilComplete());
    }

    [Fact]
    public async Task Bot_that_does_not_answer_fails_the_turn_with_an_error_that_says_so()
    {
        await using var silo = await DiscordSilo.Start(_time, bots: DiscordSilo.Bot("b1", ("end.first_wait", "20s")));
        var turn = await silo.Begin("x [[silent]]");
        await silo.Discord.Records.WaitAsync(DiscordRecordKind.ReplyWithheld, cancellationToken: TestContext.Current.CancellationToken);

        await PassUntilEnd(turn);

        Assert.Equal(ErrorCode.UpstreamTimeout, turn.Error?.Code);
        Assert.Contains("within 20 s", turn.Error!.Message, StringComparison.Ordinal);
    }

    /// <summary>Begins a turn whose reply the test edits.</summary>
    private static async Task<(ObservedTurn Turn, Action<string, string[]> Edit)> BeginByHand(DiscordSilo silo, string text, string bot)
    {
        var turn = await silo.Begin("x [[silent]]", bot);
        await silo.Discord.Records.WaitAsync(DiscordRecordKind.ReplyWithheld, cancellationToken: TestContext.Current.CancellationToken);
        var prompt = silo.Posts[^1];
        var reply = silo.Discord.Post(DiscordSilo.CozeBot.Id, prompt.ChannelId!, text, replyTo: prompt.MessageId);
        await turn.UntilText(text);
        return (turn, (edited, buttons) => silo.Discord.Edit(prompt.ChannelId!, reply, edited, buttons));
    }

    private static async Task<ObservedTurn> WithoutButtons(DiscordSilo silo)
    {
        var turn = await silo.Begin("x [[say=\"All there is\" chunks=4 pace=5ms buttons=0 typing=0]]");
        await turn.UntilText("All there is");
        return turn;
    }

    /// <summary>Moves the clock in small steps, so that waiting code can act on each of them.</summary>
    private async Task Pass(double seconds)
    {
        for (var i = 0; i < seconds * 10; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(0.1));
            await Task.Delay(2);
        }
    }

    private async Task PassUntilEnd(ObservedTurn turn)
    {
        var deadline = DateTimeOffset.UtcNow + TimeSpan.FromSeconds(40);
        while (turn.End is null && DateTimeOffset.UtcNow < deadline) await Pass(0.5);
        await turn.UntilEnd();
    }

    /// <summary>Counts the replies of one bot that the metric reports as cut off.</summary>
    private sealed class CutCounter : IDisposable
    {
        private readonly MeterListener _listener = new();
        private int _count;

        public CutCounter(string bot)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "cozecluster.cuts") listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((_, measurement, tags, _) =>
            {
                foreach (var tag in tags)
                {
                    if (tag.Key == "bot" && (string?)tag.Value == bot) Interlocked.Add(ref _count, (int)measurement);
                }
            });
            _listener.Start();
        }

        public int Count => Volatile.Read(ref _count);

        public void Dispose() => _listener.Dispose();
    }
}
