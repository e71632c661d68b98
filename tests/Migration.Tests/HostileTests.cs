namespace CozeCluster.Migration.Tests;

/// <summary>Files that are too large, too deep, or written to confuse.</summary>
public sealed class HostileTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("c.yaml")]
    [InlineData(".env")]
    [InlineData("bot.json")]
    public void A_large_file_is_refused(string name)
    {
        _folder.Write(name, new string('#', (4 << 20) + 1));

        Assert.Equal([$"{name}: The file is larger than 4194304 bytes."], _folder.Problems());
    }

    [Fact]
    public void Deep_yaml_is_refused()
    {
        _folder.Write("c.yaml", new string('[', 200) + new string(']', 200));

        Assert.Equal(["c.yaml:1: The file is nested deeper than 32 levels."], _folder.Problems());
    }

    [Fact]
    public void Deep_json_is_refused()
    {
        _folder.Write("bot.json", new string('[', 200) + new string(']', 200));

        Assert.StartsWith("bot.json:1: This is not JSON.", Assert.Single(_folder.Problems()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("c.yaml", "- a\n")]
    [InlineData("bot.json", "1,\n")]
    public void Many_values_are_refused(string name, string value)
    {
        var values = string.Concat(Enumerable.Repeat(value, 250_000));
        _folder.Write(name, name == "bot.json" ? $"[{values}]" : values);

        Assert.Contains("The file has more than 200000 values.", Assert.Single(_folder.Problems()), StringComparison.Ordinal);
    }

    [Fact]
    public void Aliases_of_aliases_do_not_grow()
    {
        var lines = Enumerable.Range(1, 60).Select(i => $"x{i}: &a{i} [*a{i - 1}, *a{i - 1}, *a{i - 1}]\n");
        _folder.Write("c.yaml", $"x0: &a0 [x]\n{string.Concat(lines)}claude: {{ api_keys: [{{ val: c }}] }}\n");

        Assert.Equal("c", Migrator.Read(_folder.Path).Accounts[0].Token.Text);
    }

    [Fact]
    public void A_value_that_contains_itself_is_refused()
    {
        _folder.Write("c.yaml", "claude: &a\n  api_keys: *a\n");

        Assert.Equal(["c.yaml:2: There is no complete value with this anchor above."], _folder.Problems());
    }

    [Fact]
    public void A_long_list_of_bots_is_refused()
    {
        _folder.Write("bot.json", $"[{string.Concat(Enumerable.Repeat("""{"bot_token":"t"},""", 10_001))}]");

        Assert.Contains("bot.json:1: The list has 10001 entries; the limit is 10000.", _folder.Problems());
    }

    [Fact]
    public void Text_that_is_not_UTF8_is_refused()
    {
        File.WriteAllBytes(Path.Combine(_folder.Path, "c.yaml"), [0x63, 0xff, 0xfe]);

        Assert.Equal(["c.yaml: The file is not UTF-8 text."], _folder.Problems());
    }

    /// <summary>Names of the old file cannot add lines or keys to the fleet file.</summary>
    [Fact]
    public void Names_cannot_break_out()
    {
        const string Name = "a\\\": b\\u2028allow_weak_keys: true # ${HOME} $$";
        _folder.Write("config/bot_config.json", $$"""[{ "cozeBotId": "1000000000000000002", "proxySecret": "k", "model": "{{Name}}" }]""");

        var yaml = FleetText.Of(Migrator.Read(_folder.Path)).Yaml;

        Assert.DoesNotContain(yaml.Split('\n', '\u2028'), line => line.StartsWith("allow_weak_keys", StringComparison.Ordinal));
        Assert.DoesNotContain("\u2028", yaml, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"(?<!\$)\$\{HOME", string.Join('\n', yaml.Split('\n').Where(line => !line.Contains("\": ", StringComparison.Ordinal))));
    }

    [Fact]
    public void A_file_name_cannot_add_lines()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such names.");
        var path = _folder.Write("a\nversion: 1.json", """[{ "cozeBotId": "1000000000000000002", "proxySecret": "k", "model": "m" }]""");

        var yaml = FleetText.Of(Migrator.Read(path)).Yaml;

        Assert.DoesNotContain(yaml.Split('\n'), line => line.StartsWith("version", StringComparison.Ordinal));
    }
}
