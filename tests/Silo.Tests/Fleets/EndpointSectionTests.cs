using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.Tests.Fleets;

public sealed class EndpointSectionTests
{
    [Fact]
    public void Endpoints_AreRead()
    {
        var result = Read(
            """
            endpoints:
              - { id: a, port: 8092, host: old.example.com, path: /old/v2, compat: cdb, anonymous: me, requests_per_minute: 60,
                  networks: [127.0.0.1, 10.0.0.0/8, "::1"], options: { flatten: 1 } }
              - { id: b, path: /b }
            """);

        Assert.Empty(result.Problems);
        var (a, b) = (result.File!.Endpoints[0], result.File.Endpoints[1]);
        Assert.Equal((8092, "old.example.com", "/old/v2", CompatMode.Cdb, "me", 60), (a.Port, a.Host, a.Path, a.Compat, a.Anonymous, a.RequestsPerMinute));
        Assert.Equal(["127.0.0.1/32", "10.0.0.0/8", "::1/128"], a.Networks);
        Assert.Equal("1", a.Options["flatten"]);
        Assert.Equal((null, CompatMode.None), (b.Port, b.Compat));
        var warning = Assert.Single(result.File.Warnings, warning => warning.Contains("Endpoint a accepts requests without a key", StringComparison.Ordinal));
        Assert.EndsWith("may send 60 a minute", warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("- { id: a }", "at least one of")]
    [InlineData("- { id: a, path: old }", "path such as")]
    [InlineData("- { id: a, path: /old/ }", "path such as")]
    [InlineData("- { id: a, path: /, }", "path such as")]
    [InlineData("- { id: a, host: 'a:80' }", "host name")]
    [InlineData("- { id: a, port: 1, compat: cpd }", "one of none, cdp")]
    [InlineData("- { id: a, port: 1, anonymous: you }", "no tenant 'you'")]
    [InlineData("- { id: a, port: 1, networks: [10.0.0.0/40] }", "network")]
    [InlineData("- { id: a, port: 1 }\n  - { id: a, port: 2 }", "another endpoint")]
    public void InvalidEndpoint_IsReported(string endpoint, string expected) =>
        Assert.Contains(expected, string.Join('\n', Read($"endpoints:\n  {endpoint}").Problems.Select(problem => problem.Message)), StringComparison.Ordinal);

    [Theory]
    [InlineData(false, "", 0)]
    [InlineData(true, "", 1)]
    [InlineData(true, "allow_weak_keys: true", 0)]
    public void RequestsWithoutKey_NeedPermissionWhereOthersReachTheNode(bool isReachable, string more, int problems) =>
        Assert.Equal(problems, Read($"endpoints: [{{ id: a, port: 1, anonymous: me }}]\n{more}", isReachable).Problems.Count);

    [Theory]
    [InlineData("aliases: { gpt: helper, 'gpt-*': helper }", "")]
    [InlineData("aliases: { gpt: helpr }", "There is no model for this tenant 'helpr'. Did you mean 'helper'?")]
    [InlineData("aliases: { helper: helper }", "a model of that name")]
    [InlineData("aliases: { 'a b': helper }", "without spaces")]
    [InlineData("aliases: { gpt: secret }", "no model for this tenant 'secret'")]
    [InlineData("default_model: helper", "")]
    [InlineData("default_model: gpt, aliases: { gpt: helper }", "")]
    [InlineData("default_model: gpt", "no model or alias 'gpt'")]
    public void NamesOfModels_AreChecked(string names, string expected)
    {
        var problems = Read(tenant: names).Problems;

        if (expected.Length == 0) Assert.Empty(problems);
        else Assert.Contains(expected, string.Join('\n', problems.Select(problem => problem.Message)), StringComparison.Ordinal);
    }

    [Fact]
    public void SettingsOfModel_AreRead()
    {
        var models = Read().File!.Models;

        Assert.Equal((true, true, true), (models[1].Hidden, models[1].RefusesTools, models[1].RefusesResponseFormat));
        Assert.Equal((false, false, false), (models[0].Hidden, models[0].RefusesTools, models[0].RefusesResponseFormat));
    }

    private static FleetResult Read(string more = "", bool isReachable = false, string tenant = "max_concurrent_turns: 5") =>
        new FleetReader(EnvironmentValues.Process, isReachable).Read(
        $$"""
        tenants:
          - { id: me, keys: [{ name: laptop, key: Zq8vLr2mXw9tBn4cKd7fHj3s, compat: ccp }], {{tenant}} }
          - { id: other, keys: [{ name: laptop, key: Kq8vLr2mXw9tBn4cKd7fHj3t }] }
        accounts: [{ id: coze, upstream: coze, token: pat_1 }]
        bots: [{ id: b, upstream: coze, bot_id: 7400000000000000001, accounts: [coze] }]
        models:
          - { id: helper, bots: [b], tools: ignore }
          - { id: secret, bots: [b], tenants: [other], hidden: true, tools: refuse, response_format: refuse }

        """ + more, ".");
}
