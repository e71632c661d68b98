
namespace CozeCluster.Discord.Tests;

public sealed class ReplyMessagesTests
{
    private const string Bot = "31";
    private const string Sender = "21";
    private static readonly string Full = new('x', 2_000);
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Reference_to_any_message_of_the_prompt_makes_it_the_reply()
    {
        var messages = Of();

        Assert.Equal(ReplyChange.Content, messages.Take(Seen("103", "hello", repliesTo: "101")));
        Assert.Equal(ReplyChange.None, messages.Take(Seen("104", "hello", repliesTo: "90")));
        Assert.Equal(ReplyChange.None, messages.Take(Seen("105", "hello", repliesTo: "100", author: "99")));
        Assert.Single(messages.All);
    }

    [Fact]
    public void Reply_in_an_own_channel_goes_on_in_messages_without_reference()
    {
        var messages = Of(isAlone: true);
        Assert.Equal(ReplyChange.None, messages.Take(Seen("102", "before it began")));
        messages.Take(Seen("103", "one", repliesTo: "100"));

        Assert.Equal(ReplyChange.Content, messages.Take(Seen("104", "two")));
        Assert.Equal(ReplyChange.None, messages.Take(Seen("105", "another's", repliesTo: "77")));
    }

    [Fact]
    public void Reply_in_a_shared_channel_goes_on_only_behind_its_own_full_message()
    {
        var messages = Of(isAlone: false);
        messages.Take(Seen("103", "not full", repliesTo: "100"));
        Assert.Equal(ReplyChange.None, messages.Take(Seen("104", "whose?")));

        messages.Take(Seen("103", Full, repliesTo: "100", edit: 1));
        Assert.Equal(ReplyChange.Content, messages.Take(Seen("105", "ours")));

        messages.Take(Seen("106", Full, repliesTo: "77"));
        Assert.Equal(ReplyChange.None, messages.Take(Seen("107", "the other's")));
    }

    [Fact]
    public void Mention_of_the_sender_makes_it_the_reply_where_the_bot_says_so_and_is_left_out()
    {
        var messages = Of(DiscordRecognition.Mention);

        Assert.Equal(ReplyChange.Content, messages.Take(Seen("103", $"<@{Sender}> hello", mentions: Sender)));
        Assert.Equal(ReplyChange.None, Of(DiscordRecognition.Mention).Take(Seen("103", "<@5> hello", mentions: "5")));
        Assert.Equal("hello", messages.TextOf(messages.All[0]));
    }

    [Fact]
    public void Whatever_the_bot_says_is_the_reply_where_the_bot_says_so_unless_it_refers_to_another()
    {
        var messages = Of(DiscordRecognition.Channel);

        Assert.Equal(ReplyChange.None, messages.Take(Seen("99", "before the prompt")));
        Assert.Equal(ReplyChange.None, messages.Take(Seen("102", "another's", repliesTo: "77")));
        Assert.Equal(ReplyChange.Content, messages.Take(Seen("103", "hello")));
    }

    [Fact]
    public void Late_and_double_events_change_nothing()
    {
        var messages = Of();
        messages.Take(Seen("103", "one", repliesTo: "100"));
        messages.Take(Seen("103", "one two", repliesTo: "100", edit: 2));

        Assert.Equal(ReplyChange.None, messages.Take(Seen("103", "one t", repliesTo: "100", edit: 1)));
        Assert.Equal(ReplyChange.None, messages.Take(Seen("103", "one", repliesTo: "100")));
        Assert.Equal(ReplyChange.None, messages.Take(Seen("103", "one two", repliesTo: "100", edit: 2)));
        Assert.Equal("one two", messages.All[0].Text);
    }

    [Fact]
    public void Edit_that_does_not_name_its_author_is_known_by_its_message()
    {
        var messages = Of();
        messages.Take(Seen("103", "one", repliesTo: "100"));

        Assert.Equal(ReplyChange.Content, messages.Take(Seen("103", "one two", author: null, edit: 1)));
        Assert.Equal(ReplyChange.None, messages.Take(Seen("104", "unknown", author: null)));
    }

    [Fact]
    public void Update_that_tells_no_text_keeps_it()
    {
        var messages = Of();
        messages.Take(Seen("103", "one", repliesTo: "100", edit: 3));

        var change = messages.Take(Seen("103", null, author: null) with { Media = [new DiscordMediaSeen("m", "https://x/a.png", "a", true)] });

        Assert.Equal((ReplyChange.Content, "one"), (change, messages.All[0].Text));
        Assert.Single(messages.All[0].Media);
    }

    [Fact]
    public void Update_that_tells_text_only_keeps_pictures_and_one_that_tells_there_are_none_does_not()
    {
        var messages = Of();
        messages.Take(Seen("103", "one", repliesTo: "100") with { Media = [new DiscordMediaSeen("m", "https://x/a.png", "a", true)] });

        messages.Take(Seen("103", "one two", author: null, edit: 1));
        Assert.Single(messages.All[0].Media);

        messages.Take(Seen("103", null, author: null) with { Media = [new DiscordMediaSeen("preview", "https://x/b.png", "b", true)] });
        Assert.Equal(["m", "preview"], messages.All[0].Media.Select(media => media.Id));

        messages.Take(Seen("103", "one two", author: null, edit: 2) with { Media = [] });
        Assert.Empty(messages.All[0].Media);
    }

    [Fact]
    public void Messages_stand_in_the_order_they_were_made_whenever_they_are_seen()
    {
        var messages = Of();
        messages.Take(Seen("105", "three", repliesTo: "100"));
        messages.Take(Seen("103", "one", repliesTo: "100"));
        messages.Take(Seen("104", "two", repliesTo: "100"));

        Assert.Equal(["one", "two", "three"], messages.All.Select(message => message.Text));
    }

    [Fact]
    public void Thinking_is_a_sign_but_no_content()
    {
        var messages = Of();

        Assert.Equal(ReplyChange.Sign, messages.Take(Seen("103", "", repliesTo: "100") with { IsLoading = true }));
        Assert.False(messages.HasContent);
        Assert.Equal(ReplyChange.Content, messages.Take(Seen("103", "now", repliesTo: "100", edit: 1)));
    }

    [Fact]
    public void Deleted_message_is_empty()
    {
        var messages = Of();
        messages.Take(Seen("103", "one", repliesTo: "100"));

        Assert.Equal(ReplyChange.Content, messages.Remove(Snowflake.Parse("103")));
        Assert.Equal(ReplyChange.None, messages.Remove(Snowflake.Parse("1")));
        Assert.False(messages.HasContent);
    }

    private static ReplyMessages Of(DiscordRecognition recognise = DiscordRecognition.Reference, bool isAlone = true)
    {
        var messages = new ReplyMessages(Bot, recognise, isAlone);
        messages.Sent(["100", "101"], Sender);
        return messages;
    }

    private static DiscordMessageSeen Seen(string id, string? text, string? repliesTo = null, string? author = Bot, int? edit = null, string? mentions = null) => new()
    {
        Id = id, ChannelId = "1", AuthorId = author, Text = text, RepliesTo = repliesTo, Mentions = mentions is null ? [] : [mentions],
        EditedAt = edit is null ? null : Start.AddSeconds(edit.Value),
    };
}
