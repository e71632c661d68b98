using CozeCluster.Gateway.Surfaces.Images;

namespace CozeCluster.Gateway.Tests.Surfaces.Images;

public sealed class ImageFinderTests
{
    [Theory]
    // Markdown images
    [InlineData("Here:\n\n![a cat](https://i.example/1)\n\nA grey cat.", "https://i.example/1", "Here:\n\nA grey cat.")]
    [InlineData("![a](https://i.example/1) ![b](https://i.example/2 \"two\")", "https://i.example/1 https://i.example/2", null)]
    [InlineData("![](<https://i.example/1?x=y&z=%20>)", "https://i.example/1?x=y&z=%20", null)]
    [InlineData("![a](https://i.example/1) and again ![a](https://i.example/1)", "https://i.example/1", "and again")]
    [InlineData("![a](data:image/png;base64,AAAA)", "data:image/png;base64,AAAA", null)]
    // An image inside a link, and an image whose URL is also in the text or in a link
    [InlineData("[![a](https://i.example/1.png)](https://i.example/page)", "https://i.example/1.png", null)]
    [InlineData("https://i.example/1\n![Image](https://i.example/1)", "https://i.example/1", null)]
    [InlineData("![a](https://i.example/1.png)\n[Download](https://i.example/1.png)", "https://i.example/1.png", null)]
    // If there is a Markdown image, links to other images stay
    [InlineData("![a](https://i.example/1) See https://docs.example/2.png.", "https://i.example/1", "See https://docs.example/2.png.")]
    // Links and URLs that look like images
    [InlineData("[your cat](https://i.example/cat.PNG?sig=1#x)", "https://i.example/cat.PNG?sig=1#x", null)]
    [InlineData("Done: [image](https://s.coze.com/t/CaBc/)", "https://s.coze.com/t/CaBc/", "Done:")]
    [InlineData("It is at https://i.example/cat.webp.", "https://i.example/cat.webp", "It is at .")]
    [InlineData("[a](https://i.example/1.jpg) [b](https://i.example/2.jpeg)", "https://i.example/1.jpg https://i.example/2.jpeg", null)]
    // Addresses of Coze's image servers, bare or as links, and what may follow an address
    [InlineData("https://p9.coze.example/abc~tplv-a9-image.image?rk3s=1&s=a%2B，如图。", "https://p9.coze.example/abc~tplv-a9-image.image?rk3s=1&s=a%2B", "，如图。")]
    [InlineData("[图](https://p9.coze.example/tos/abc.image?rk3s=1)", "https://p9.coze.example/tos/abc.image?rk3s=1", null)]
    [InlineData("看https://i.example/a~tplv-x:720:720.webp?sig=2这张", "https://i.example/a~tplv-x:720:720.webp?sig=2", "看这张")]
    [InlineData("（https://i.example/cat.png）", "https://i.example/cat.png", "（）")]
    [InlineData("图：https://i.example/cat.png是一只猫", "https://i.example/cat.png", "图：是一只猫")]
    [InlineData("https://i.example/图片.png", "https://i.example/图片.png", null)]
    [InlineData("See https://i.example/cat_(1).png, nice", "https://i.example/cat_(1).png", "See , nice")]
    [InlineData("(https://i.example/cat.png)", "https://i.example/cat.png", "()")]
    [InlineData("![a](https://i.example/cat_(1).png) ok", "https://i.example/cat_(1).png", "ok")]
    [InlineData("**https://i.example/cat.png**", "https://i.example/cat.png", "****")]
    // No images
    [InlineData("I can not draw, see [help](https://docs.example/help).", "", "I can not draw, see [help](https://docs.example/help).")]
    [InlineData("![a](ftp://i.example/1.png)", "", "![a](ftp://i.example/1.png)")]
    [InlineData("![a](https://i.example/1", "", "![a](https://i.example/1")]
    [InlineData("  ", "", null)]
    public void Find_Text_ReturnsImagesAndRemainingText(string text, string urls, string? rest)
    {
        var found = ImageFinder.Find(text);

        Assert.Equal(urls, string.Join(' ', found.Urls));
        Assert.Equal(rest, found.Remaining);
    }

    [Fact]
    public void Find_TextForBacktracking_EndsSoon()
    {
        var found = ImageFinder.Find(string.Concat(Enumerable.Repeat("![", 20_000)) + string.Concat(Enumerable.Repeat("[x](", 20_000)));

        Assert.Empty(found.Urls);
    }
}
