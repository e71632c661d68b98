using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.Tests.Fleets;

public sealed class AiProxyReferencesTests
{
    [Theory]
    [InlineData("anonymous: me, options: { openai_account: 'openai-1, openai-2', coze_model: helper, openai_model: gpt-4, own_keys: false }")]
    [InlineData("options: { claude_account: claude-1, tenants: 'me, other' }")]
    [InlineData("options: { coze_model: helper }")]
    public void ValidOptions_AreTaken(string endpoint) => Assert.Empty(Problems(endpoint));

    [Theory]
    [InlineData("anonymous: me, options: { openai_acount: openai-1 }", "'openai_acount' is not a known key. Did you mean 'openai_account'?")]
    [InlineData("anonymous: me, options: { openai_account: openai-3 }", "There is no account of the upstream 'openai' 'openai-3'.")]
    [InlineData("anonymous: me, options: { openai_account: claude-1 }", "There is no account of the upstream 'openai' 'claude-1'.")]
    [InlineData("anonymous: me, options: { gemini_model: nothing }", "There is no model or alias 'nothing'.")]
    [InlineData("anonymous: me, options: { own_keys: maybe }", "Expected true or false.")]
    [InlineData("options: { tenants: you, own_keys: true }", "There is no tenant 'you'.")]
    [InlineData("options: { openai_account: openai-1 }", "Say in its option 'tenants' whose requests")]
    [InlineData("options: { own_keys: true }", "Say in its option 'tenants' whose requests")]
    public void InvalidOptions_AreReported(string endpoint, string expected) =>
        Assert.Contains(Problems(endpoint), problem => problem.Message.Contains(expected, StringComparison.Ordinal));

    private static IReadOnlyList<FleetProblem> Problems(string endpoint) => new FleetReader(EnvironmentValues.Process).Read(
        $$"""
        tenants:
          - { id: me, aliases: { gpt-4: helper }, keys: [{ name: laptop, key: Zq8vLr2mXw9tBn4cKd7fHj3s }] }
          - { id: other, keys: [{ name: laptop, key: Kq8vLr2mXw9tBn4cKd7fHj3t }] }
        accounts:
          - { id: coze, upstream: coze, token: pat_1 }
          - { id: openai-1, upstream: openai, token: sk-1 }
          - { id: openai-2, upstream: openai, token: sk-2 }
          - { id: claude-1, upstream: claude, token: sk-3 }
        bots: [{ id: b, upstream: coze, bot_id: 7400000000000000001, accounts: [coze] }]
        models: [{ id: helper, bots: [b] }]
        endpoints: [{ id: old, port: 8999, compat: aiproxy, {{endpoint}} }]
        """, ".").Problems;
}
