using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.Tests.Fleets;

/// <summary>The options of endpoints that answer as coze-discord-proxy.</summary>
public sealed class CdpOptionsTests
{
    [Theory]
    [InlineData("{ builtin_models: true, only_openai_api: false, request_out_time: 60, stream_request_out_time: 86400 }", "")]
    [InlineData("{ builtin_models: yes }", "true or false")]
    [InlineData("{ only_openai_api: 1 }", "true or false")]
    [InlineData("{ request_out_time: 0 }", "whole number from 1 to 86400")]
    [InlineData("{ request_out_time: 60s }", "whole number from 1 to 86400")]
    [InlineData("{ stream_request_out_time: 86401 }", "whole number from 1 to 86400")]
    [InlineData("{ request_rate_limit: 60 }", "not a known key. Known keys: builtin_models, only_openai_api")]
    public void Options_AreChecked(string options, string expected)
    {
        var result = new FleetReader(EnvironmentValues.Process).Read(
            $$"""
            tenants: [{ id: me, keys: [{ name: laptop, key: Zq8vLr2mXw9tBn4cKd7fHj3s }] }]
            accounts: [{ id: coze, upstream: coze, token: pat_1 }]
            bots: [{ id: b, upstream: coze, bot_id: 7400000000000000001, accounts: [coze] }]
            models: [{ id: helper, bots: [b] }]
            endpoints: [{ id: old, port: 7077, compat: cdp, options: {{options}} }]
            """,
            ".");

        if (expected.Length == 0) Assert.Equal(4, Assert.Single(result.File!.Endpoints).Options.Count);
        else Assert.Contains(expected, Assert.Single(result.Problems).Message, StringComparison.Ordinal);
    }
}
