using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using CozeCluster.Silo.Fleets;
using CozeCluster.Silo.Hosting;
using YamlDotNet.RepresentationModel;

namespace CozeCluster.Docs.Tests;

/// <summary>
/// Every fenced block has a language, and every language has a check. <see cref="CommandTests"/> executes commands and programs in C#,
/// <c>tests/npm/docs.test.mjs</c> those in JavaScript.
/// </summary>
public sealed partial class BlockTests
{
    private const string SmallFleet = """
        tenants: [{ id: me, keys: [{ name: laptop, key: a-long-random-key }] }]
        accounts: [{ id: coze, upstream: coze, token: pat_1 }]
        bots: [{ id: helper, upstream: coze, bot_id: 1, accounts: [coze] }]
        models: [{ id: helper, bots: [helper] }]

        """;

    private static readonly string[] Languages = ["sh", "yaml", "json", "js", "python", "csharp", "text"];

    public static TheoryData<string> Paths => Document.Paths;

    [Theory]
    [MemberData(nameof(Paths))]
    public void Every_block_has_a_language_with_a_check(string path) => Assert.All(
        Document.Of(path).Blocks,
        block => Assert.True(Languages.Contains(block.Language), $"{block} has the language '{block.Language}'. Known: {string.Join(", ", Languages)}."));

    [Fact]
    public void Json_is_well_formed() => Assert.All(Blocks("json"), block => JsonDocument.Parse(block.Text).Dispose());

    [Fact]
    public void Settings_in_json_exist()
    {
        var keys = Blocks("json").Select(block => JsonDocument.Parse(block.Text).RootElement)
            .Where(json => json.ValueKind == JsonValueKind.Object && json.TryGetProperty("CozeCluster", out _))
            .SelectMany(json => json.GetProperty("CozeCluster").EnumerateObject().Select(property => property.Name)).ToList();

        Assert.NotEmpty(keys);
        Assert.Subset(Settings.All.Select(setting => setting.Key).ToHashSet(), keys.ToHashSet());
    }

    [Fact]
    public void Fleets_are_valid()
    {
        var fleets = Blocks("yaml").Where(block => FleetKey().IsMatch(block.Text)).ToList();

        Assert.NotEmpty(fleets);
        Assert.All(fleets, block =>
        {
            // A block may show one section alone.
            var text = block.Text.Contains("tenants:") ? block.Text : SmallFleet + block.Text;
            var problems = new FleetReader(new EnvironmentValues(name => $"value-of-{name}")).Read(text, "/").Problems;
            Assert.True(problems.Count == 0, $"{block}: {string.Join("; ", problems)}");
        });
    }

    [Fact]
    public void Yaml_is_well_formed() => Assert.All(Blocks("yaml"), block => new YamlStream().Load(new StringReader(block.Text)));

    [Fact]
    public void CSharp_compiles()
    {
        var folder = Directory.CreateTempSubdirectory("cozecluster-docs-");
        try
        {
            foreach (var files in Blocks("csharp").Where(block => !CSharp.IsProgram(block)).GroupBy(block => block.Document))
            {
                Assert.All(files, block => Assert.True(block.FileName is not null, $"{block} does not say which file it is."));
                var texts = files.Select(block => $"#line {block.Line + 1} \"{Path.Combine(Repository.Root, block.Document.Path)}\"\n{block.Text}");
                CSharp.CompileFiles(texts, folder.CreateSubdirectory(Path.GetFileName(files.Key.Path)).FullName);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Packages_have_the_versions_that_tests_use()
    {
        var versions = XDocument.Parse(Repository.Read("Directory.Packages.props")).Descendants("PackageVersion")
            .ToDictionary(package => $"#:package {package.Attribute("Include")!.Value}@{package.Attribute("Version")!.Value}");

        Assert.All(Blocks("csharp").Where(CSharp.IsProgram), block => Assert.Contains(block.FirstLine, versions.Keys));
    }

    /// <summary>They are executed there.</summary>
    [Fact]
    public void JavaScript_is_in_the_npm_suite()
    {
        var suite = Repository.Read("tests/npm/docs.test.mjs");

        Assert.All(Blocks("js"), block => Assert.Contains($"'{block.Document.Path}'", suite));
    }

    /// <summary>Where Python is installed; the packages that the examples use are not there.</summary>
    [Fact]
    public void Python_is_well_formed()
    {
        Assert.SkipUnless(Programs.IsInstalled("python3"), "Needs python3.");
        Assert.All(Blocks("python"), block => Assert.Equal((0, ""), Programs.Run("python3", "-c", "import ast, sys; ast.parse(sys.argv[1])", block.Text)));
    }

    private static List<Block> Blocks(string language)
    {
        var blocks = Document.All.SelectMany(document => document.Blocks).Where(block => block.Language == language).ToList();
        Assert.NotEmpty(blocks);
        return blocks;
    }

    [GeneratedRegex("^(tenants|accounts|bots|models|listeners|timeouts|notifications):", RegexOptions.Multiline)]
    private static partial Regex FleetKey();
}
