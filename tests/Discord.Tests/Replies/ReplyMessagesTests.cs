
namespace CozeCluster.Discord.Tests;

public sealed class ReplyMessagesTests
{
    private const string Bot = "31";
    private const string Sender = "21";
    private static readonly string Full = new('x', 2_000);
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Message_that_replies_to_any_message_of_the_prompt_is_the_reply()
    {
        var messages = Create();

        Assert.Equal(ReplyChange.Content, messages.Apply(Seen("103", "hello", repliesTo: "101")));
        Assert.Equal(ReplyChange.None, messages.Apply(Seen("104", "hello", repliesTo: "90")));
        Assert.Equal(ReplyChange.None, messages.Apply(Seen("105", "hello", repliesTo: "100", author: "99")));
        Assert.Single(messages.All);
    }

    [Fact]
    public void Reply_in_an_exclusive_channel_continues_in_messages_without_reference()
    {
        var messages = Create(isExclusive: true);
        Assert.Equal(ReplyChange.None, messages.Apply(Seen("102", "before the beginning")));
        messages.Apply(Seen("103", "one", repliesTo: "100"));

        Assert.Equal(ReplyChange.Content, messages.Apply(Seen("104", "two")));
        Assert.Equal(ReplyChange.None, messages.Apply(Seen("105", "another reply", repliesTo: "77")));
    }

    [Fact]
    public void Reply_in_a_shared_channel_continues_only_after_its_own_full_message()
    {
        var messages = Create(isExclusive: false);
        messages.Apply(Seen("103", "not full", repliesTo: "100"));
        Assert.Equal(ReplyChange.None, messages.Apply(Seen("104", "unknown")));

        messages.Apply(Seen("103", Full, repliesTo: "100", edit: 1));
        Assert.Equal(ReplyChange.Content, messages.Apply(Seen("105", "continuation")));

        messages.Apply(Seen("106", Full, repliesTo: "77"));
        Assert.Equal(ReplyChange.None, messages.Apply(Seen("107", "another continuation")));
    }

    [Fact]
    public void Message_that_mentions_the_sender_is_the_reply_if_the_bot_says_so_and_the_mention_is_removed()
    {
        var messages = Create(DiscordRecognition.Mention);

        Assert.Equal(ReplyChange.Content, messages.Apply(Seen("103", $"<@{Sender}> hello", mentions: Sender)));
        Assert.Equal(ReplyChange.None, Create(DiscordRecognition.Mention).Apply(Seen("103", "<@5> hello", mentions: "5")));
        Assert.Equal("hello", messages.TextOf(messages.All[0]));
    }

    [Fact]
    public void Next_message_of_the_bot_is_the_reply_if_the_bot_says_so_unless_it_replies_to_another_message()
    {
        var messages = Create(DiscordRecognition.Channel);

        Assert.Equal(ReplyChange.None, messages.Apply(Seen("99", "before the prompt")));
        Assert.Equal(ReplyChange.None, messages.Apply(Seen("102", "another reply", repliesTo: "77")));
        Assert.Equal(ReplyChange.Content, messages.Apply(Seen("103", "hello")));
    }

    [Fact]
    public void Late_and_repeated_events_change_nothing()
    {
        var messages = Create();
        messages.Apply(Seen("103", "one", repliesTo: "100"));
        messages.Apply(Seen("103", "one two", repliesTo: "100", edit: 2));

        Assert.Equal(ReplyChange.None, messages.Apply(Seen("103", "one t", repliesTo: "100", edit: 1)));
        Assert.Equal(ReplyChange.None, messages.Apply(Seen("103", "one", repliesTo: "100")));
        Assert.Equal(ReplyChange.None, messages.Apply(Seen("103", "one two", repliesTo: "100", edit: 2)));
        Assert.Equal("one two", messages.All[0].Text);
    }

    [Fact]
    public void Edit_without_author_is_recognized_by_its_message_id()
    {
        var messages = Create();
        messages.Apply(Seen("103", "one", repliesTo: "100"));

        Assert.Equal(ReplyChange.Content, messages.Apply(Seen("103", "one two", author: null, edit: 1)));
        Assert.Equal(ReplyChange.None, messages.Apply(Seen("104", "unknown", author: null)));
    }

    [Fact]
    public void Update_without_text_keeps_the_text()
    {
        var messages = Create();
        messages.Apply(Seen("103", "one", repliesTo: "100", edit: 3));

        var change = messages.Apply(Seen("103", null, author: null) with { Media = [new DiscordMediaSeen("m", "https://x/a.png", "a", true)] });

        Assert.Equal((ReplyChange.Content, "one"), (change, messages.All[0].Text));
        Assert.Single(messages.All[0].Media);
    }

    [Fact]
    public void Update_without_media_keeps_the_pictures_and_one_with_an_empty_list_removes_them()
    {
        var messages = Create();
        messages.Apply(Seen("103", "one", repliesTo: "100") with { Media = [new DiscordMediaSeen("m", "https://x/a.png", "a", true)] });

        messages.Apply(Seen("103", "one two", author: null, edit: 1));
        Assert.Single(messages.All[0].Media);

        messages.Apply(Seen("103", null, author: null) with { Media = [new DiscordMediaSeen("preview", "https://x/b.png", "b", true)] });
        Assert.Equal(["m", "preview"], messages.All[0].Media.Select(media => media.Id));

        messages.Apply(Seen("103", "one two", author: null, edit: 2) with { Media = [] });
        Assert.Empty(messages.All[0].Media);
    }

    [Fact]
    public void Messages_are_in_the_order_of_their_creation()
    {
        var messages = Create();
        messages.Apply(Seen("105", "three", repliesTo: "100"));
        messages.Apply(Seen("103", "one", repliesTo: "100"));
        messages.Apply(Seen("104", "two", repliesTo: "100"));

        Assert.Equal(["one", "two", "three"], messages.All.Select(message => message.Text));
    }

    [Fact]
    public void Thinking_is_activity_without_content()
    {
        var messages = Create();

        Assert.Equal(ReplyChange.Activity, messages.Apply(Seen("103", "", repliesTo: "100") with { IsLoading = true }));
        Assert.False(messages.HasContent);
        Assert.Equal(ReplyChange.Content, messages.Apply(Seen("103", "now", repliesTo: "100", edit: 1)));
    }

    [Fact]
    public void Deleted_message_has_no_content()
    {
        var messages = Create();
        messages.Apply(Seen("103", "one", repliesTo: "100"));

        Assert.Equal(ReplyChange.Content, messages.Remove(Snowflake.Parse("103")));
        Assert.Equal(ReplyChange.None, messages.Remove(Snowflake.Parse("1")));
        Assert.False(messages.HasContent);
    }

    private static ReplyMessages Create(DiscordRecognition recognise = DiscordRecognition.Reference, bool isExclusive = true)
    {
        var messages = new ReplyMessages(Bot, recognise, isExclusive);
        messages.OnPosted(["100", "101"], Sender);
        return messages;
    }

    private static DiscordMessageSeen Seen(
        string id, string? text, string? repliesTo = null, string? author = Bot, int? edit = null, string? mentions = null) => new()
    {
        Id = id,
        ChannelId = "1",
        AuthorId = author,
        Text = text,
        RepliesTo = repliesTo,
        Mentions = mentions is null ? [] : [mentions],
        EditedAt = edit is null ? null : Start.AddSeconds(edit.Value),
    };
}
