using System.Text.Json;

namespace CozeCluster.Discord.Tests;

public sealed class MessageEventTests
{
    [Fact]
    public void Message_with_all_fields_is_read()
    {
        var seen = Read(
            """
            {"id":"9","channel_id":"1","author":{"id":"31","username":"coze","bot":true},"content":"Hello",
             "edited_timestamp":"2026-01-02T03:04:05.678000+00:00","mentions":[{"id":"21","username":"a"}],
             "message_reference":{"message_id":"8","channel_id":"1"},"flags":0,
             "embeds":[{"type":"rich","title":"Harbour","image":{"url":"https://cdn/x.png?ex=1"}}],
             "attachments":[{"id":"5","filename":"a.pdf","size":3,"url":"https://cdn/a.pdf?ex=1","content_type":"application/pdf"}],
             "components":[{"type":1,"components":[{"type":2,"style":2,"label":"More","custom_id":"m"},{"type":2,"style":5,"label":"Site","url":"https://x"}]}]}
            """);

        Assert.Equal(("9", "1", "31", "8"), (seen.Id, seen.ChannelId, seen.AuthorId, seen.RepliesTo));
        Assert.Equal("Hello\n\n**Harbour**", seen.Text);
        Assert.Equal(["21"], seen.Mentions);
        Assert.Equal(["https://cdn/a.pdf?ex=1", "https://cdn/x.png?ex=1"], seen.Media!.Select(media => media.Url));
        Assert.Equal(["5", "9-embed-0"], seen.Media!.Select(media => media.Id));
        Assert.Equal(["More"], seen.Suggestions);
        Assert.True(seen.HasButtons);
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero), seen.EditedAt);
    }

    [Fact]
    public void Components_v2_are_text_and_not_buttons()
    {
        var seen = Read(
            """
            {"id":"9","channel_id":"1","content":"","flags":32768,
             "components":[{"type":17,"components":[{"type":10,"content":"One"},{"type":10,"content":"Two"}]}]}
            """);

        Assert.Equal("One\nTwo", seen.Text);
        Assert.False(seen.HasButtons);
    }

    [Fact]
    public void Update_with_previews_only_has_no_text()
    {
        var seen = Read("""{"id":"9","channel_id":"1","embeds":[{"type":"image","url":"https://x/a.png","thumbnail":{"url":"https://x/a.png"}}]}""");

        Assert.Null(seen.Text);
        Assert.Null(seen.AuthorId);
        Assert.Single(seen.Media!);
    }

    [Fact]
    public void Update_with_buttons_only_has_neither_text_nor_media()
    {
        var seen = Read(
            """{"id":"9","channel_id":"1","components":[{"type":1,"components":[{"type":2,"style":2,"label":"More","custom_id":"m"}]}]}""");

        Assert.Null(seen.Text);
        Assert.Null(seen.Media);
        Assert.True(seen.HasButtons);
    }

    [Fact]
    public void Nulls_are_read_as_missing_fields()
    {
        var seen = Read(
            """
            {"id":"9","channel_id":"1","content":"a","author":{"id":"31","bot":null},"timestamp":null,"edited_timestamp":null,"flags":null,
             "type":null,"nonce":null,"mentions":[null,{"id":"21"}],"embeds":[null,{"type":"rich","title":"b","fields":[null],"footer":null,"image":null}],
             "message_reference":null,"attachments":[null,{"id":"5","size":null,"url":"https://cdn/a.pdf","filename":null}],
             "components":[null,{"type":1,"components":[null]},{"type":12,"items":[null,{"media":null}]}]}
            """);

        Assert.Equal("a\n\n**b**", seen.Text);
        Assert.Equal(["21"], seen.Mentions);
        Assert.Equal("https://cdn/a.pdf", Assert.Single(seen.Media!).Url);
        Assert.False(seen.HasButtons);
    }

    [Fact]
    public void Text_that_was_cut_inside_a_surrogate_pair_is_read_unchanged()
    {
        Assert.Equal("a\ud83d", Read("""{"id":"9","channel_id":"1","content":"a\ud83d"}""").Text);
        Assert.Equal("a\ud83d\ude00 \"b\"", Read("""{"id":"9","channel_id":"1","content":"a\ud83d\ude00 \"b\""}""").Text);
    }

    [Fact]
    public void Thinking_and_forwarded_messages_are_distinguished_from_replies()
    {
        Assert.True(Read("""{"id":"9","channel_id":"1","content":"","flags":128}""").IsLoading);
        Assert.Null(Read("""{"id":"9","channel_id":"1","content":"","message_reference":{"type":1,"message_id":"8"}}""").RepliesTo);
    }

    private static DiscordMessageSeen Read(string json) => MessageContent.ToEvent(JsonSerializer.Deserialize(json, DiscordJson.Default.DiscordMessage)!);
}
