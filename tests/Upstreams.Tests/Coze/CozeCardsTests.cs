using CozeCluster.Upstreams.Coze;

namespace CozeCluster.Upstreams.Tests.Coze;

public sealed class CozeCardsTests
{
    [Theory]
    [InlineData("""{"title":"Rome","items":[{"text":"Sunny"},{"text":{"content":"20°"}}]}""", "Rome\n\nSunny\n\n20°")]
    [InlineData("""{"data":"{\"title\":\"Inner\"}"}""", "Inner")]
    [InlineData("""[{"type":"image","image_url":"https://x.test/a (1).png"}]""", "![image](https://x.test/a%20%281%29.png)")]
    [InlineData("""{"tag":"img","alt":{},"title":"Cat","src":"https://x.test/c.png"}""", "![Cat](https://x.test/c.png)")]
    [InlineData("""{"label":"Docs [new]","url":"https://x.test"}""", "[Docs \\[new\\]](https://x.test)")]
    [InlineData(
        """[{"component":"Button","label":"Yes"},{"component":"Button","label":"No","action":{"jump_url":"https://x.test/no"}},{"text":"Choose"}]""",
        "- Yes\n[No](https://x.test/no)\n\nChoose")]
    [InlineData("""{"label":"Do not","url":"javascript:alert(1)"}""", "Do not")]
    [InlineData("""{"card":"x","elements":[]}""", "```json\n{\"card\":\"x\",\"elements\":[]}\n```")]
    [InlineData("not json", "not json")]
    public void ToMarkdown_RendersTextsButtonsAndImages(string card, string expected) => Assert.Equal(expected, CozeCards.ToMarkdown(card));

    [Fact]
    public void ToMarkdown_DeepOrLongCards_AreBounded()
    {
        var deep = string.Concat(Enumerable.Repeat("{\"text\":", 60)) + "\"x\"" + new string('}', 60);
        Assert.StartsWith("```json", CozeCards.ToMarkdown(deep), StringComparison.Ordinal);
        var many = "[" + string.Join(',', Enumerable.Repeat("{\"text\":\"x\"}", 5_000)) + "]";
        Assert.True(CozeCards.ToMarkdown(many).Length < 2_000);
    }
}
