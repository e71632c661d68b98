namespace CozeCluster.Docs.Tests;

/// <summary>The Chinese pages say the same as the English ones, as far as that can be seen without reading them.</summary>
public sealed class TranslationTests
{
    private static readonly Document English = Document.Of("README.md");
    private static readonly Document Chinese = Document.Of("README.zh-CN.md");

    public static TheoryData<string> Translations => [.. Document.All.Select(document => document.Path).Where(path => path.StartsWith("docs/zh-CN/", StringComparison.Ordinal))];

    [Fact]
    public void Both_readmes_have_the_same_sections() => Assert.Equal(Levels(English), Levels(Chinese));

    [Fact]
    public void Both_readmes_have_the_same_code() => Assert.Equal(English.Blocks.Select(WithoutText), Chinese.Blocks.Select(WithoutText));

    [Fact]
    public void Links_to_English_pages_are_marked() => Assert.All(
        Chinese.Prose().Where(line => line.Text.Contains("](docs/", StringComparison.Ordinal) || line.Text.Contains("](CHANGELOG", StringComparison.Ordinal)),
        line => Assert.True(
            line.Text.StartsWith("![", StringComparison.Ordinal) || line.Text.Contains("](docs/zh-CN/", StringComparison.Ordinal) || line.Text.Contains("英文", StringComparison.Ordinal),
            $"README.zh-CN.md:{line.Number} leads to a page in English and does not say so"));

    [Theory]
    [MemberData(nameof(Translations))]
    public void A_page_leads_to_its_original(string path)
    {
        var page = path["docs/zh-CN/".Length..];

        Assert.Contains($"[English](../{page})", Repository.Read(path), StringComparison.Ordinal);
        Assert.Equal(Levels(Document.Of($"docs/{page}")).Count(level => level == 1), Levels(Document.Of(path)).Count(level => level == 1));
        Assert.Contains(Chinese.Prose(), line => line.Text.Contains($"]({path})", StringComparison.Ordinal));
    }

    private static IEnumerable<int> Levels(Document document) =>
        document.Prose().Where(line => line.Text.StartsWith('#')).Select(line => line.Text.TakeWhile(c => c == '#').Count());

    // What people read differs.
    private static string WithoutText(Block block) => string.Concat(block.Text.Replace("Hello", "", StringComparison.Ordinal).Replace("你好", "", StringComparison.Ordinal));
}
