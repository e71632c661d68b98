using System.Text.RegularExpressions;

namespace CozeCluster.Docs.Tests;

/// <summary>The Chinese pages say the same as the English ones, as far as that can be seen without reading them.</summary>
public sealed partial class TranslationTests
{
    private const string Readme = "README.zh-CN.md";
    private const string Folder = "docs/zh-CN/";

    /// <summary>Paths of the Chinese pages.</summary>
    public static TheoryData<string> Pages => [Readme, .. Translated.Select(page => Folder + page)];

    private static IEnumerable<string> Translated =>
        Document.All.Select(document => document.Path).Where(path => path.StartsWith(Folder, StringComparison.Ordinal)).Select(path => path[Folder.Length..]);

    [Fact]
    public void Every_page_for_those_who_come_from_another_system_or_start_is_translated()
    {
        var older = Document.All.Select(document => document.Path).Where(path => path.StartsWith("docs/from-", StringComparison.Ordinal));
        string[] expected = ["clients.md", "configuration.md", "quick-start.md", .. older.Select(path => path["docs/".Length..])];

        Assert.Equal(expected.Order(StringComparer.Ordinal), Translated.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void A_page_and_its_original_lead_to_each_other(string path)
    {
        var original = OriginalOf(path);
        var (there, back) = path == Readme ? (Readme, original.Path) : (path["docs/".Length..], $"../{path[Folder.Length..]}");

        Assert.Contains($"[中文]({there})", original.Lines);
        Assert.Contains($"[English]({back})", Document.Of(path).Lines);
        Assert.True(path == Readme || Repository.Read(Readme).Contains($"]({path}"), $"{Readme} does not lead to {path}");
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void A_page_has_the_headings_of_its_original(string path) => Assert.Equal(Levels(OriginalOf(path)), Levels(Document.Of(path)));

    [Theory]
    [MemberData(nameof(Pages))]
    public void A_page_has_the_code_of_its_original(string path) =>
        Assert.Equal(OriginalOf(path).Blocks.Select(WithoutText), Document.Of(path).Blocks.Select(WithoutText));

    /// <summary>Rows with the same cells and the same names, values and defaults.</summary>
    [Theory]
    [MemberData(nameof(Pages))]
    public void A_page_has_the_tables_of_its_original(string path) =>
        Assert.Equal(Rows(OriginalOf(path)), Rows(Document.Of(path)));

    [Theory]
    [MemberData(nameof(Pages))]
    public void Links_lead_to_pages_in_Chinese_or_say_that_the_page_is_in_English(string path)
    {
        var folder = Path.Combine(Repository.Root, Path.GetDirectoryName(path)!);
        foreach (var (number, text) in Document.Of(path).Prose().Where(line => !line.Text.StartsWith("[English](", StringComparison.Ordinal)))
        {
            foreach (var link in PageLink().Matches(text).Select(match => match.Groups[1].Value).Where(link => !link.Contains("://")))
            {
                var page = Path.GetRelativePath(Repository.Root, Path.GetFullPath(Path.Combine(folder, link)));
                if (page.StartsWith(Folder, StringComparison.Ordinal)) continue;
                Assert.True(text.Contains("英文"), $"{path}:{number} leads to {page} and does not say that it is in English");
                Assert.False(
                    page.StartsWith("docs/", StringComparison.Ordinal) && Translated.Contains(page["docs/".Length..]),
                    $"{path}:{number} leads to {page}, which has a Chinese version");
            }
        }
    }

    private static Document OriginalOf(string path) => Document.Of(path == Readme ? "README.md" : $"docs/{path[Folder.Length..]}");

    private static IEnumerable<int> Levels(Document document) =>
        document.Prose().Where(line => line.Text.StartsWith('#')).Select(line => line.Text.TakeWhile(c => c == '#').Count());

    private static IEnumerable<string> Rows(Document document) =>
        from line in document.Prose()
        where line.Text.StartsWith('|')
        let cells = line.Text.Replace("\\|", "").Count(c => c == '|')
        let code = Code().Matches(line.Text).Select(match => match.Value).Order(StringComparer.Ordinal)
        select $"{cells} {string.Join(' ', code)}";

    /// <summary>What programs read. Comments differ, except names of files, and so does what people say to a bot, except instructions to the sandbox.</summary>
    private static string WithoutText(Block block)
    {
        var text = block.Language switch
        {
            "sh" or "yaml" or "python" => HashComment().Replace(block.Text, "#"),
            "js" or "csharp" => SlashComment().Replace(block.Text, "//"),
            _ => block.Text,
        };
        // The usual address in China.
        return $"{block.Language} {block.FileName}\n{Said().Replace(text, "…").Replace("base_url: https://api.coze.cn, ", "")}";
    }

    [GeneratedRegex(@"(?<=^|\s)# .*$", RegexOptions.Multiline)]
    private static partial Regex HashComment();

    [GeneratedRegex(@"(?<=^|\s)// .*$", RegexOptions.Multiline)]
    private static partial Regex SlashComment();

    [GeneratedRegex("""(?<=content["']?: ?["']|Async\(")[^"'\[]+""")]
    private static partial Regex Said();

    [GeneratedRegex("`[^`]+`")]
    private static partial Regex Code();

    [GeneratedRegex(@"\]\(([^)#\s]+\.md)")]
    private static partial Regex PageLink();
}
