namespace CozeCluster.Discord.Tests;

public sealed class DiscordBotOptionsTests
{
    [Fact]
    public void Listener_is_the_only_required_option()
    {
        var (options, errors) = Parse(("listener", "l1"));

        Assert.Empty(errors);
        Assert.Equal(new DiscordBotOptions { Listener = "l1" }, options);
        Assert.Equal((DiscordChannelMode.Fresh, "chat", TimeSpan.FromSeconds(5)), (options.Channel, options.Name, options.DeleteAfter));
    }

    [Theory]
    [InlineData("fresh")]
    [InlineData("named")]
    public void Category_name_is_read(string channel)
    {
        var (options, errors) = Parse(("listener", "l1"), ("channel", channel), ("category", " Our chats "));

        Assert.Empty(errors);
        Assert.Equal("Our chats", options.Category);
    }

    [Fact]
    public void All_options_are_read()
    {
        var (options, errors) = Parse(
            ("listener", "l1"), ("channel", "thread"), ("channel_id", "123"), ("name", "ask"), ("delete_after", "2m"), ("keep_for", "1d"),
            ("history", "json"), ("long", "file"), ("recognise", "mention"), ("daily_reset", "08:30-05:00"),
            ("end.first_wait", "90"), ("end.cold_wait", "7.5s"), ("end.min_wait", "500ms"), ("end.max_wait", "20s"), ("answers_bots", "true"));

        Assert.Empty(errors);
        Assert.Equal(
            new DiscordBotOptions
            {
                Listener = "l1",
                Channel = DiscordChannelMode.Thread,
                ChannelId = "123",
                Name = "ask",
                DeleteAfter = TimeSpan.FromMinutes(2),
                KeepFor = TimeSpan.FromDays(1),
                History = DiscordHistory.Json,
                Long = DiscordLongPrompt.File,
                Recognise = DiscordRecognition.Mention,
                End = new DiscordReplyEnd
                {
                    FirstWait = TimeSpan.FromSeconds(90),
                    ColdWait = TimeSpan.FromSeconds(7.5),
                    MinWait = TimeSpan.FromSeconds(0.5),
                    MaxWait = TimeSpan.FromSeconds(20),
                },
                DailyReset = new DailyReset(new TimeOnly(8, 30), TimeSpan.FromHours(-5)),
                AnswersBots = true,
            },
            options);
    }

    [Theory]
    [InlineData("channel", "everywhere", "fresh, thread, fixed or named")]
    [InlineData("channel", "fixed", "")]
    [InlineData("channel_id", "12", "only for channel fixed or thread")]
    [InlineData("category_id", "general", "decimal digits")]
    [InlineData("category", " ", "1 to 90")]
    [InlineData("name", "", "1 to 80")]
    [InlineData("delete_after", "soon", "or never")]
    [InlineData("delete_after", "8d", "to 7d")]
    [InlineData("keep_for", "-1s", "from 1m")]
    [InlineData("history", "Transcript", "transcript, last or json")]
    [InlineData("long", "cut", "split, file or reject")]
    [InlineData("end.cold_wait", "1ms", "from 100ms")]
    [InlineData("end.max_wait", "0.5s", "not shorter than end.min_wait")]
    [InlineData("daily_reset", "09:00", "09:00+08:00")]
    [InlineData("daily_reset", "24:00+08:00", "09:00+08:00")]
    [InlineData("chanel", "fresh", "unknown")]
    public void Error_says_what_was_expected(string name, string value, string expected)
    {
        var (_, errors) = Parse(("listener", "l1"), (name, value));

        var error = Assert.Single(errors, error => error.Key == name || expected.Length == 0);
        Assert.Contains(expected, error.Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("thread", "channel_id", "1", "only for channel fresh or named")]
    [InlineData("fixed", "channel_id", "1", "only for channel fresh or named")]
    [InlineData("fresh", "category_id", "1", "not together with category_id")]
    [InlineData("named", "category_id", "1", "not together with category_id")]
    public void Category_name_that_contradicts_other_options_is_an_error(string channel, string other, string value, string expected)
    {
        var (_, errors) = Parse(("listener", "l1"), ("channel", channel), (other, value), ("category", "Chats"));

        Assert.Contains(expected, Assert.Contains("category", errors), StringComparison.Ordinal);
    }

    [Fact]
    public void All_errors_are_reported_at_once()
    {
        var (_, errors) = Parse(("channel", "thread"), ("category_id", "1"), ("long", "x"));

        Assert.Equal(["category_id", "channel_id", "listener", "long"], errors.Keys.Order());
        var error = Assert.Throws<ClusterException>(() => DiscordBotOptions.Of(new BotDefinition
        {
            Id = "b", Upstream = "discord", UpstreamBotId = "1", Accounts = [], Options = new Dictionary<string, string> { ["long"] = "x" },
        }));
        Assert.Contains("listener", error.Message, StringComparison.Ordinal);
        Assert.Contains("long", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2026-01-01T00:30:00Z", "2026-01-01T01:00:00Z")]
    [InlineData("2026-01-01T01:00:00Z", "2026-01-02T01:00:00Z")]
    [InlineData("2026-01-01T23:00:00Z", "2026-01-02T01:00:00Z")]
    public void Daily_reset_is_the_next_nine_oclock_in_Beijing(string now, string next) =>
        Assert.Equal(DateTimeOffset.Parse(next), DailyReset.Default.Next(DateTimeOffset.Parse(now)));

    private static (DiscordBotOptions Options, IReadOnlyDictionary<string, string> Errors) Parse(params (string Name, string Value)[] options)
    {
        DiscordBotOptions.TryParse(options.ToDictionary(option => option.Name, option => option.Value), out var parsed, out var errors);
        return (parsed, errors);
    }
}
