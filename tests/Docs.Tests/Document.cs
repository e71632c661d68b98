using System.Text.RegularExpressions;

namespace CozeCluster.Docs.Tests;

/// <summary>A Markdown file of the repository.</summary>
internal sealed partial class Document
{
    private Document(string path)
    {
        Path = path;
        Lines = Repository.Read(path).Split('\n');
        Blocks = [.. ReadBlocks()];
    }

    /// <summary>All documents.</summary>
    public static IReadOnlyList<Document> All { get; } =
        [.. Repository.Files.Where(path => path.EndsWith(".md", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(path => new Document(path))];

    /// <summary>Paths of all documents, for theories.</summary>
    public static TheoryData<string> Paths => [.. All.Select(document => document.Path)];

    /// <summary>Path from the root.</summary>
    public string Path { get; }

    public IReadOnlyList<string> Lines { get; }

    /// <summary>The fenced blocks, in order.</summary>
    public IReadOnlyList<Block> Blocks { get; }

    public static Document Of(string path) => All.Single(document => document.Path == path);

    /// <summary>The lines outside of fenced blocks, with their numbers from 1.</summary>
    public IEnumerable<(int Number, string Text)> Prose()
    {
        for (var i = 0; i < Lines.Count; i++)
        {
            if (!Blocks.Any(block => i + 1 >= block.Line && i + 1 <= block.LastLine)) yield return (i + 1, Lines[i]);
        }
    }

    /// <summary>What the prose has in backticks.</summary>
    public IEnumerable<string> InlineCode() => Prose().SelectMany(line => Code().Matches(line.Text)).Select(match => match.Groups[1].Value);

    /// <summary>Names under which links reach its headings, as GitHub makes them.</summary>
    public ISet<string> Anchors() => Prose()
        .Where(line => line.Text.StartsWith('#'))
        .Select(line => NoLetter().Replace(line.Text.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-'))
        .ToHashSet();

    private IEnumerable<Block> ReadBlocks()
    {
        for (var i = 0; i < Lines.Count; i++)
        {
            if (Fence().Match(Lines[i]) is not { Success: true } fence) continue;
            var end = i + 1;
            while (end < Lines.Count && Lines[end].Trim() != "```") end++;
            yield return new Block(this, i + 1, end + 1, fence.Groups[1].Value, string.Join('\n', Lines.Skip(i + 1).Take(end - i - 1)) + "\n");
            i = end;
        }
    }

    [GeneratedRegex(@"^\s*```(\S*)")]
    private static partial Regex Fence();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NoLetter();
}

/// <summary>A fenced block.</summary>
/// <param name="Document">Where it is.</param>
/// <param name="Line">The line of its opening fence, from 1.</param>
/// <param name="LastLine">The line of its closing fence.</param>
/// <param name="Language">What the fence says.</param>
/// <param name="Text">The lines between the fences.</param>
internal sealed partial record Block(Document Document, int Line, int LastLine, string Language, string Text)
{
    /// <summary>The name of the file that its first line says it is: <c># fleet.yaml</c>; null if it says none.</summary>
    public string? FileName => FileComment().Match(Text) is { Success: true } match ? match.Groups[1].Value : null;

    public string FirstLine => Text.Split('\n')[0];

    public override string ToString() => $"{Document.Path}:{Line}";

    [GeneratedRegex(@"\A(?:#|//) ([\w./-]+\.\w+)\n")]
    private static partial Regex FileComment();
}
