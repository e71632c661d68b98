using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.Tests.Fleets;

public sealed class RcaOptionsTests
{
    [Theory]
    [InlineData("{ mode: ws, model: helper }", null)]
    [InlineData("{ mode: sse }", "http, stream, ws")]
    [InlineData("{ moed: ws }", "moed")]
    public void Options_OfRealCozeApi_AreChecked(string options, string? expected)
    {
        var problems = new FleetReader(new EnvironmentValues(_ => null)).Read($$"""
            tenants: [{ id: me, keys: [{ name: laptop, key: a-long-random-key-0123456789 }] }]
            accounts: [{ id: coze, upstream: coze, token: pat_1 }]
            bots: [{ id: helper, upstream: coze, bot_id: 1, accounts: [coze] }]
            models: [{ id: helper, bots: [helper] }]
            endpoints: [{ id: old, path: /old, compat: rca, options: {{options}} }]
            """, "/").Problems;

        if (expected is null) Assert.Empty(problems);
        else Assert.Contains(expected, Assert.Single(problems).ToString(), StringComparison.Ordinal);
    }
}
