namespace CozeCluster.Migration.Tests;

public sealed class FleetTextTests
{
    [Fact]
    public void A_tenant_without_keys_gets_a_random_one_on_request()
    {
        var (first, second) = (Write(), Write());

        Assert.Equal(32, first.Variables["NEW_KEY_RCA"].Length);
        Assert.NotEqual(first.Variables["NEW_KEY_RCA"], second.Variables["NEW_KEY_RCA"]);
        Assert.Contains("key: ${NEW_KEY_RCA}", first.Yaml, StringComparison.Ordinal);

        static FleetText Write() => FleetText.Of(Samples.Read("rca"), new FleetTextOptions { MakeKeys = true });
    }

    [Theory]
    [InlineData(true, "\nallow_weak_keys: true\n")]
    [InlineData(false, "\n# allow_weak_keys: true\n")]
    public void Weak_keys_are_allowed_only_on_request(bool isAllowed, string expected) =>
        Assert.Contains(expected, FleetText.Of(Samples.Read("cdp"), new FleetTextOptions { AllowWeakKeys = isAllowed }).Yaml, StringComparison.Ordinal);

    [Fact]
    public void Variables_are_quoted_for_a_shell()
    {
        var text = new FleetText("", new Dictionary<string, string> { ["A"] = "plain:1", ["B"] = "it's $HOME `x`" }, ["C"]);

        Assert.Equal("A=plain:1\nB='it'\\''s $HOME `x`'\n# C=\n", text.ToVariableLines());
    }

    /// <summary>A silent change of a secret to another one's variable would send it to the wrong place.</summary>
    [Fact]
    public void Secrets_keep_their_own_variables()
    {
        var values = Samples.Write("aiproxy").Variables.Values.ToList();

        Assert.Equal(10, values.Count);
        Assert.Equal(values.Count, values.Distinct().Count());
    }
}
