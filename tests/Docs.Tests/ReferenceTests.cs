using System.Text.RegularExpressions;
using CozeCluster.Silo.Hosting;

namespace CozeCluster.Docs.Tests;

/// <summary>What documents refer to exists: pages, headings, files, types, options.</summary>
public sealed partial class ReferenceTests
{
    private const int MaxLineLength = 160;

    // Options of other programs, and those that every program has.
    private static readonly string[] OtherOptions = ["--help", "--version", "--scale", "--build"];

    // Of browsers.
    private static readonly string[] OtherNames = ["EventSource"];

    // Made by the reader.
    private static readonly string[] OwnFiles = ["deploy/.env"];

    private static readonly string[] SourceFiles = [".cs", ".csproj", ".props", ".js", ".mjs"];

    private static readonly Lazy<HashSet<string>> Identifiers = new(() =>
        [.. Sources("").SelectMany(path => Identifier().Matches(Repository.Read(path)).Select(match => match.Value)), .. OtherNames]);

    private static readonly string[] PagesWithOldNames = ["CHANGELOG.md", "docs/migrate.md"];

    private static readonly Lazy<string> Examples = new(() => string.Concat(Sources("examples/").Select(Repository.Read)));

    private static readonly Lazy<string> Commands = new(() => string.Concat(Sources("src/Silo/Hosting/").Select(Repository.Read)));

    private static readonly Lazy<string> Benchmarks = new(() => string.Concat(Sources("bench/").Select(Repository.Read)));

    public static TheoryData<string> Paths => Document.Paths;

    [Theory]
    [MemberData(nameof(Paths))]
    public void Links_lead_somewhere(string path)
    {
        var document = Document.Of(path);
        var folder = Path.Combine(Repository.Root, Path.GetDirectoryName(path)!);
        foreach (var target in document.Prose().SelectMany(line => Link().Matches(InlineCode().Replace(line.Text, ""))).Select(match => match.Groups[1].Value))
        {
            if (target.Contains("://")) continue;
            var parts = target.Split('#');
            var file = parts[0].Length == 0 ? path : Path.GetRelativePath(Repository.Root, Path.GetFullPath(Path.Combine(folder, parts[0])));
            Assert.True(Repository.Has(file), $"{path}: there is no {target}");
            if (parts.Length > 1) Assert.True(Document.Of(file).Anchors().Contains(parts[1]), $"{path}: there is no heading for {target}");
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Lines_are_short(string path) => Assert.All(
        Document.Of(path).Lines.Select((text, index) => (Number: index + 1, Text: text)).Where(line => !MayBeLong().IsMatch(line.Text)),
        line => Assert.True(line.Text.Length <= MaxLineLength, $"{path}:{line.Number} has {line.Text.Length} characters"));

    [Theory]
    [MemberData(nameof(Paths))]
    public void Files_exist(string path) => Assert.All(
        Document.Of(path).InlineCode().Where(code => FilePath().IsMatch(code) && !OwnFiles.Contains(code)),
        file => Assert.True(Repository.Has(file), $"{path}: there is no {file}"));

    [Theory]
    [MemberData(nameof(Paths))]
    public void Types_and_members_exist(string path) => Assert.All(
        Document.Of(path).InlineCode().Where(code => TypeName().IsMatch(code)).SelectMany(code => Identifier().Matches(code).Select(match => match.Value)),
        name => Assert.True(Identifiers.Value.Contains(name), $"{path}: nothing is called {name}"));

    [Theory]
    [MemberData(nameof(Paths))]
    public void Options_exist(string path) => Assert.All(
        Document.Of(path).InlineCode().Select(code => Option().Match(code).Value).Where(option => option.Length > 0 && !PagesWithOldNames.Contains(path)),
        option => Assert.True(
            Settings.All.Any(setting => setting.Option == option) || OtherOptions.Contains(option)
                || Commands.Value.Contains($"new(\"{option}\")", StringComparison.Ordinal) || Benchmarks.Value.Contains(option),
            $"{path}: there is no option {option}"));

    [Theory]
    [MemberData(nameof(Paths))]
    public void Variables_exist(string path) => Assert.All(
        Variable().Matches(Repository.Read(path)).Select(match => match.Value),
        variable => Assert.True(
            Settings.All.Any(setting => setting.Variable == variable) || Examples.Value.Contains(variable) || PagesWithOldNames.Contains(path),
            $"{path}: there is no variable {variable}"));

    private static IEnumerable<string> Sources(string folder) =>
        Repository.Files.Where(path => path.StartsWith(folder, StringComparison.Ordinal) && SourceFiles.Contains(Path.GetExtension(path)));

    // Tables and links.
    [GeneratedRegex(@"^\||\]\(")]
    private static partial Regex MayBeLong();

    [GeneratedRegex("`[^`]+`")]
    private static partial Regex InlineCode();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^(src|tests|docs|deploy|bench|examples|\.ci)/[\w./-]+$")]
    private static partial Regex FilePath();

    // Two humps or an interface's I: single words are states, roles and values.
    [GeneratedRegex(@"^(I?[A-Z][a-z0-9]+([A-Z][a-z0-9]+)+|I[A-Z][a-z]+|[A-Z]\w+\.[A-Z]\w+)$")]
    private static partial Regex TypeName();

    [GeneratedRegex(@"[A-Za-z_]\w*")]
    private static partial Regex Identifier();

    [GeneratedRegex(@"^--[a-z][a-z-]+")]
    private static partial Regex Option();

    [GeneratedRegex(@"COZECLUSTER_[A-Z_]*[A-Z]")]
    private static partial Regex Variable();
}
