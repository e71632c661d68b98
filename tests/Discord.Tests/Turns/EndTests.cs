using System.Diagnostics.Metrics;
using CozeCluster.Sandbox.Discord;
using CozeCluster.TestKit;

namespace CozeCluster.Discord.Tests;

/// <summary>When replies without buttons end; the house's clock is the test's, Discord's is not.</summary>
public sealed class EndTests
{
    private readonly ManualTime _time = new(DateTimeOffset.UtcNow);

    [Fact]
    public async Task Bot_whose_cadence_is_not_known_is_given_ten_seconds_of_silence()
    {
        await using var house = await DiscordHouse.Start(_time);
        var turn = await WithoutButtons(house);

        await Pass(9.5);
        Assert.Null(turn.End);
        await PassUntilEnd(turn);

        Assert.Equal("All there is", await turn.UntilComplete());
    }

    [Fact]
    public async Task Bot_whose_cadence_is_known_is_given_little_more_than_that()
    {
        await using var house = await DiscordHouse.Start(_time);
        for (var i = 0; i < 5; i++) await (await house.Run("x [[chunks=3 pace=5ms]]")).UntilComplete();
        var turn = await WithoutButtons(house);

        // Its pauses were nothing by this clock, so the shortest silence is enough.
        await Pass(0.6);
        Assert.Null(turn.End);
        await Pass(0.3);

        Assert.Equal("All there is", await turn.UntilComplete());
    }

    [Fact]
    public async Task Cadence_survives_a_restart_of_the_bot()
    {
        await using var house = await DiscordHouse.Start(_time);
        for (var i = 0; i < 5; i++) await (await house.Run("x [[chunks=3 pace=5ms]]")).UntilComplete();
        Assert.Equal(5, (await house.Bot("b1").Cadence())?.Replies);

        await house.Restart();

        Assert.Equal(5, (await house.Bot("b1").Cadence())?.Replies);
    }

    [Fact]
    public async Task Text_after_the_end_is_counted_and_makes_the_bot_be_given_longer()
    {
        using var cuts = new CutCounter("cut-bot");
        await using var house = await DiscordHouse.Start(_time, bots: DiscordHouse.Bot("cut-bot", ("delete_after", "10m")));
        for (var i = 0; i < 4; i++) await (await house.Run("x [[chunks=3 pace=5ms]]", "cut-bot")).UntilComplete();
        var turn = await house.Begin("x [[silent]]", "cut-bot");
        await house.Discord.Records.WaitAsync(DiscordRecordKind.ReplyWithheld, cancellationToken: TestContext.Current.CancellationToken);
        var prompt = house.Posts[^1];
        var reply = house.Discord.Post(DiscordHouse.CozeBot.Id, prompt.ChannelId!, "All there is", replyTo: prompt.MessageId);
        await turn.UntilText("All there is");
        await PassUntilEnd(turn);
        Assert.Equal("All there is", await turn.UntilComplete());

        house.Discord.Edit(prompt.ChannelId!, reply, "All there is but this");

        await Until.True(() => cuts.Count == 1, "the cut to be counted");
        await Until.True(() => house.Bot("cut-bot").Cadence().Result?.Widening > 1, "the wait to be widened");
    }

    [Fact]
    public async Task What_no_event_told_is_found_by_reading_once_more()
    {
        await using var house = await DiscordHouse.Start(_time);
        var turn = await house.Begin("x [[say=\"First words, last words\" chunks=2 buttons=0 pace=1s]]");
        await turn.UntilText("First word");
        house.Discord.StopAcking();
        await house.Finished();

        await PassUntilEnd(turn);

        Assert.Equal("First words, last words", await turn.UntilComplete());
    }

    [Fact]
    public async Task Bot_that_does_not_answer_is_an_error_that_says_so()
    {
        await using var house = await DiscordHouse.Start(_time, bots: DiscordHouse.Bot("b1", ("end.first_wait", "20s")));
        var turn = await house.Begin("x [[silent]]");
        await house.Discord.Records.WaitAsync(DiscordRecordKind.ReplyWithheld, cancellationToken: TestContext.Current.CancellationToken);

        await PassUntilEnd(turn);

        Assert.Equal(ErrorCode.UpstreamTimeout, turn.Error?.Code);
        Assert.Contains("within 20 s", turn.Error!.Message, StringComparison.Ordinal);
    }

    private static async Task<HeardTurn> WithoutButtons(DiscordHouse house)
    {
        var turn = await house.Begin("x [[say=\"All there is\" chunks=4 pace=5ms buttons=0 typing=0]]");
        await turn.UntilText("All there is");
        return turn;
    }

    /// <summary>Moves the clock in small steps, so that what waits can act on each.</summary>
    private async Task Pass(double seconds)
    {
        for (var i = 0; i < seconds * 10; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(0.1));
            await Task.Delay(2);
        }
    }

    private async Task PassUntilEnd(HeardTurn turn)
    {
        var guard = DateTimeOffset.UtcNow + TimeSpan.FromSeconds(40);
        while (turn.End is null && DateTimeOffset.UtcNow < guard) await Pass(0.5);
        await turn.UntilEnd();
    }

    /// <summary>Counts cuts of one bot, as meters tell them.</summary>
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
