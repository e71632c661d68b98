using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.SandboxMode;

/// <summary>What a newcomer reads once the sandbox runs.</summary>
internal static class SandboxGreeting
{
    /// <param name="node">Where the node listens.</param>
    public static string For(string node)
    {
        var models = string.Join(Environment.NewLine, DemoFleet.Models.Select(model => $"    {model.Model,-28}{model.Shows}"));
        return $$"""

            CozeCluster is running in sandbox mode: fake upstreams, fixed keys, this machine only.

              Base URL  {{node}}/v1
              API key   {{SandboxKeys.Tenant}}
              Models
            {{models}}

            Try it:

              curl -N {{node}}/v1/chat/completions -H 'Authorization: Bearer {{SandboxKeys.Tenant}}' -H 'Content-Type: application/json' -d '{"model":"{{DemoFleet.Model}}","stream":true,"messages":[{"role":"user","content":"Hello [[pace=50ms]]"}]}'

            Stop with Ctrl+C.

            """;
    }
}
