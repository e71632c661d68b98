namespace CozeCluster.Docs.Tests;

/// <summary>The Chinese pages say the same as the English ones, as far as that can be seen without reading them.</summary>
public sealed class TranslationTests
{
    private static readonly Document English = Document.Of("README.md");
    private static readonly Document Chinese = Document.Of("README.zh-CN.md");

    public static TheoryData<string> Translations => [.. Document.All.Select(document => document.Path).Where(path => path.Contains("/zh-CN/"))];

    [Fact]
    public void Both_readmes_have_the_same_sections() => Assert.Equal(Levels(English), Levels(Chinese));

    [Fact]
    public void Both_readmes_have_the_same_code() => Assert.Equal(English.Blocks.Select(WithoutText), Chinese.Blocks.Select(WithoutText));

    [Fact]
    public void Links_to_English_pages_are_marked() => Assert.All(
        Chinese.Prose().Where(line => line.Text.Contains(".md)") && line.Text != "[English](README.md)"),
        line => Assert.True(
            line.Text.Contains("](docs/zh-CN/") || line.Text.Contains("英文"),
            $"README.zh-CN.md:{line.Number} leads to a page in English and does not say so"));

    [Theory]
    [MemberData(nameof(Translations))]
    public void A_page_leads_to_its_original(string path)
    {
        var page = path["docs/zh-CN/".Length..];

        Assert.Contains($"[English](../{page})", Repository.Read(path));
        Assert.Equal(Levels(Document.Of($"docs/{page}")), Levels(Document.Of(path)));
        Assert.Contains(Chinese.Prose(), line => line.Text.Contains($"]({path})"));
    }

    public static TheoryData<string> OlderSystems =>
        [.. Document.All.Select(document => document.Path).Where(path => path.StartsWith("docs/from-") && !path.EndsWith(".zh-CN.md"))];

    [Theory]
    [MemberData(nameof(OlderSystems))]
    public void A_page_about_an_older_system_has_a_translation_with_the_same_headings_and_code(string path)
    {
        var (english, chinese) = (Document.Of(path), Document.Of(path.Replace(".md", ".zh-CN.md")));

        Assert.Equal(Levels(english), Levels(chinese));
        Assert.Equal(english.Blocks.Select(WithoutText), chinese.Blocks.Select(WithoutText));
        Assert.Contains($"]({Path.GetFileName(chinese.Path)})", string.Join('\n', english.Lines));
        Assert.Contains($"]({Path.GetFileName(english.Path)})", string.Join('\n', chinese.Lines));
    }

    private static IEnumerable<int> Levels(Document document) =>
        document.Prose().Where(line => line.Text.StartsWith('#')).Select(line => line.Text.TakeWhile(c => c == '#').Count());

    // What people read differs.
    private static string WithoutText(Block block) => block.Text.Replace("Hello", "").Replace("你好", "");
}
