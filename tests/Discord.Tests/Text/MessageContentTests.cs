using System.Text.Json;

namespace CozeCluster.Discord.Tests;

public sealed class MessageContentTests
{
    [Fact]
    public void Text_of_nested_components_is_read_and_labels_of_plain_buttons_are_suggestions()
    {
        var message = Read("""
            {"id":"1","channel_id":"2","content":"","flags":32768,"components":[
              {"type":17,"components":[
                {"type":10,"content":"# Title"},
                {"type":9,"components":[{"type":10,"content":"beside"}],"accessory":{"type":2,"style":2,"label":"What else?","custom_id":"a"}},
                {"type":14}]},
              {"type":1,"components":[
                {"type":2,"style":1,"label":"Tell me more","custom_id":"b"},{"type":2,"style":5,"label":"Visit","url":"https://x"},
                {"type":2,"style":6,"sku_id":"1"},{"type":2,"style":3,"emoji":{"name":"x"},"custom_id":"c"}]},
              {"type":99,"unknown":true}]}
            """);

        Assert.Equal("# Title\nbeside", MessageContent.Text(message));
        Assert.Equal(["What else?", "Tell me more"], MessageContent.Suggestions(message));
    }

    [Fact]
    public void Text_of_a_plain_message_is_its_content() => Assert.Equal("hi", MessageContent.Text(Read("""{"content":"hi"}""")));

    [Fact]
    public void Message_without_fields_is_empty()
    {
        var message = Read("""{"id":"1","channel_id":"2"}""");

        Assert.Equal("", MessageContent.Text(message));
        Assert.Empty(MessageContent.Suggestions(message));
        Assert.Empty(MessageMedia.In(message));
        Assert.Equal("", MessageContent.EmbedText(message));
    }

    [Fact]
    public void Too_deeply_nested_components_are_ignored()
    {
        var component = new DiscordComponent { Type = DiscordComponentType.TextDisplay, Content = "x" };
        for (var i = 0; i < 100; i++) component = new DiscordComponent { Type = DiscordComponentType.Container, Components = [component] };

        Assert.Equal("", MessageContent.Text(new DiscordMessage { Components = [component] }));
    }

    [Fact]
    public void Pictures_and_files_of_all_kinds_are_found_once()
    {
        var message = Read("""
            {"id":"1","channel_id":"2","content":"see https://cdn/in-text.png?a=1",
             "attachments":[
               {"id":"11","filename":"a [1].png","url":"https://cdn/a (1).png?ex=1","content_type":"image/png","size":1},
               {"id":"12","filename":"b.pdf","url":"https://cdn/b.pdf","content_type":"application/pdf","size":1},
               {"id":"13","filename":"c.WEBP","url":"https://cdn/c.webp","size":1},
               {"id":"14","filename":"t.png","url":"https://cdn/in-text.png?ex=2","content_type":"image/png","size":1}],
             "embeds":[
               {"type":"rich","image":{"url":"https://cdn/d.png","proxy_url":"https://proxy/d.png"}},
               {"type":"rich","title":"again","image":{"url":"https://cdn/a (1).png?ex=9"}},
               {"type":"image","url":"https://cdn/e.png","thumbnail":{"url":"https://cdn/e.png"}},
               {"type":"link","url":"https://page","thumbnail":{"url":"https://page/logo.png"}}],
             "components":[{"type":12,"items":[{"media":{"url":"https://cdn/f.png"},"description":"f"}]},
               {"type":9,"accessory":{"type":11,"media":{"url":"https://cdn/g.png"}},"components":[]},{"type":13,"file":{"url":"https://cdn/h.zip?ex=1"}}]}
            """);

        var media = MessageMedia.In(message);

        Assert.Equal(
            [
                "11 ![a (1).png](https://cdn/a%20%281%29.png?ex=1)", "12 [b.pdf](https://cdn/b.pdf)", "13 ![c.WEBP](https://cdn/c.webp)",
                "1-embed-0 ![image](https://cdn/d.png)", "1-embed-2 ![image](https://cdn/e.png)",
                "1-media-0 ![f](https://cdn/f.png)", "1-media-1 ![image](https://cdn/g.png)", "1-media-2 [h.zip](https://cdn/h.zip?ex=1)",
            ],
            media.Select(item => $"{item.Id} {item.ToMarkdown()}"));
        Assert.Equal(new ImageItem("11", "https://cdn/a (1).png?ex=1"), media[0].ToItem());
        Assert.Equal(new OtherItem("12", "file", "[b.pdf](https://cdn/b.pdf)"), media[1].ToItem());
    }

    [Fact]
    public void Rich_embeds_become_markdown_and_previews_are_left_out()
    {
        var message = Read("""
            {"content":"read https://page","embeds":[
              {"type":"rich","title":"T","url":"https://t","description":"D","fields":[{"name":"n","value":"v"}],"footer":{"text":"F"}},
              {"type":"rich","title":"Preview","url":"https://page","description":"of the page"},
              {"type":"article","title":"Preview"},
              {"description":"alone"}]}
            """);

        Assert.Equal("**[T](https://t)**\n\nD\n\n**n**: v\n\n*F*\n\nalone", MessageContent.EmbedText(message));
    }

    private static DiscordMessage Read(string json) => JsonSerializer.Deserialize(json, DiscordJson.Default.DiscordMessage)!;
}
