namespace CozeCluster.Migration.Tests;

/// <summary>
/// The fleet file of each sample is the one beside the samples. To write them again after a change: <c>COZECLUSTER_UPDATE_SAMPLES=1</c>. Read the difference.
/// </summary>
public sealed class SampleTests
{
    public static TheoryData<string, string> All => Samples.All;

    [Theory]
    [MemberData(nameof(All))]
    public void A_sample_is_written_as_expected(string name, string mode)
    {
        var text = Samples.Write(name);
        var path = Path.Combine(Samples.Root, $"{name}.fleet.yaml");
        var all = $"{text.Yaml}# Variables\n{string.Concat(text.ToVariableLines().Split('\n').SkipLast(1).Select(line => $"#   {line}\n"))}";
        if (Environment.GetEnvironmentVariable("COZECLUSTER_UPDATE_SAMPLES") == "1") File.WriteAllText(path, all);

        Assert.Equal(File.ReadAllText(path), all);
        Assert.Contains($"compat: {mode}\n", text.Yaml, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void No_secret_is_in_the_fleet_file(string name, string mode)
    {
        var text = Samples.Write(name);

        Assert.Equal(mode == "rca", text.Variables.Count == 0);
        Assert.All(text.Variables.Values, secret => Assert.DoesNotContain(secret, text.Yaml, StringComparison.Ordinal));
        Assert.All(text.Variables.Keys.Where(variable => variable != "COZECLUSTER_CERTIFICATE_PASSWORD"), variable =>
            Assert.Contains($"${{{variable}}}", text.Yaml, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Secrets_are_in_the_fleet_file_on_request(string name, string mode)
    {
        var fleet = Samples.Read(name);
        var variables = FleetText.Of(fleet).Variables.Where(pair => !pair.Key.StartsWith("COZECLUSTER_", StringComparison.Ordinal)).ToList();

        var text = FleetText.Of(fleet, new FleetTextOptions { InlineSecrets = true });

        Assert.All(text.Variables.Keys, name => Assert.StartsWith("COZECLUSTER_", name, StringComparison.Ordinal));
        Assert.All(variables, pair => Assert.Contains(pair.Value.Replace("$", "$$", StringComparison.Ordinal), text.Yaml, StringComparison.Ordinal));
        Assert.Equal(mode == "rca" ? ["COZE_TOKEN"] : mode == "cdb" ? ["LISTENER_TOKEN_1"] : Array.Empty<string>(), text.MissingVariables);
    }
}
