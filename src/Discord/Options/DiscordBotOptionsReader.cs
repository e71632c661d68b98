namespace CozeCluster.Discord;

/// <summary>Reads <see cref="DiscordBotOptions"/>, collecting every mistake.</summary>
internal sealed class DiscordBotOptionsReader(IReadOnlyDictionary<string, string> options)
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private static readonly string[] Names =
    [
        "listener", "channel", "channel_id", "category_id", "category", "name", "delete_after", "keep_for", "history", "long", "recognise",
        "end.first_wait", "end.cold_wait", "end.min_wait", "end.max_wait", "daily_reset",
    ];

    private readonly OptionValues _values = new(options);

    public bool Read(out DiscordBotOptions parsed, out IReadOnlyDictionary<string, string> errors)
    {
        _values.Know(Names, "Discord bots");
        var defaults = new DiscordBotOptions();
        parsed = defaults with
        {
            Listener = _values.Text("listener", 40) ?? "",
            Channel = _values.OneOf<DiscordChannelMode>("channel") ?? defaults.Channel,
            ChannelId = _values.Snowflake("channel_id"),
            CategoryId = _values.Snowflake("category_id"),
            Category = _values.Text("category", 90),
            Name = _values.Text("name", 80) ?? defaults.Name,
            DeleteAfter = _values.Is("delete_after", "never") ? null : _values.Duration("delete_after", TimeSpan.Zero, 7 * Day, "or never") ?? defaults.DeleteAfter,
            KeepFor = _values.Duration("keep_for", TimeSpan.FromMinutes(1), 365 * Day) ?? defaults.KeepFor,
            History = _values.OneOf<DiscordHistory>("history") ?? defaults.History,
            Long = _values.OneOf<DiscordLongPrompt>("long") ?? defaults.Long,
            Recognise = _values.OneOf<DiscordRecognition>("recognise") ?? defaults.Recognise,
            End = End(defaults.End),
            DailyReset = _values.Parsed("daily_reset", DailyResetOf, "a time of day with its distance from UTC, such as 09:00+08:00") ?? defaults.DailyReset,
        };
        Check(parsed);
        errors = _values.Errors;
        return errors.Count == 0;
    }

    private DiscordReplyEnd End(DiscordReplyEnd defaults)
    {
        var shortest = TimeSpan.FromSeconds(0.1);
        var longest = TimeSpan.FromMinutes(10);
        var end = new DiscordReplyEnd
        {
            FirstWait = _values.Duration("end.first_wait", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
            ColdWait = _values.Duration("end.cold_wait", shortest, longest) ?? defaults.ColdWait,
            MinWait = _values.Duration("end.min_wait", shortest, longest) ?? defaults.MinWait,
            MaxWait = _values.Duration("end.max_wait", shortest, longest) ?? defaults.MaxWait,
        };
        if (end.MaxWait < end.MinWait) _values.Wrong("end.max_wait", "expected a duration that is not shorter than end.min_wait");
        return end;
    }

    private void Check(DiscordBotOptions read)
    {
        if (!_values.Has("listener")) _values.Wrong("listener", "missing: the id of a listener");
        var needsChannel = read.Channel is DiscordChannelMode.Fixed or DiscordChannelMode.Thread;
        if (needsChannel && !_values.Has("channel_id")) _values.Wrong("channel_id", $"missing: channel {options["channel"]} needs it");
        if (!needsChannel && _values.Has("channel_id")) _values.Wrong("channel_id", "only for channel fixed or thread");
        if (needsChannel && _values.Has("category")) _values.Wrong("category", "only for channel fresh or named");
        else if (_values.Has("category") && _values.Has("category_id")) _values.Wrong("category", "not together with category_id: a category has a name or an id");
        if (needsChannel && _values.Has("category_id")) _values.Wrong("category_id", "only for channel fresh or named");
    }

    private static DailyReset? DailyResetOf(string text)
    {
        var sign = text.LastIndexOfAny(['+', '-']);
        if (sign < 0 || OptionValues.TimeOfDay(text[..sign]) is not { } at || OptionValues.TimeOfDay(text[(sign + 1)..]) is not { } offset) return null;
        return offset.Hour > 14 ? null : new DailyReset(at, text[sign] == '-' ? -offset.ToTimeSpan() : offset.ToTimeSpan());
    }
}
