namespace CozeCluster.Docs.Tests;

/// <summary>The <c>sh</c> blocks that <see cref="CommandTests"/> does not execute. A new block that cannot run in a test needs an entry here.</summary>
internal static class NotExecuted
{
    private const string Cluster = "needs PostgreSQL; EndToEnd.Cluster.Tests start silos and gateways, apply the schema and move a store";
    private const string Backup = "needs a release build; EndToEnd.Cluster.Tests back up and restore a node";
    private const string Docker = "needs a Docker daemon and images; Deploy.Tests check the files";
    private const string Bench = "runs for minutes; Drill.Tests run small drills";
    private const string Https = "needs a certificate and a fixed port; Silo.Tests serve HTTPS";
    private const string Online = "asks the real upstreams; Silo.Tests ask the sandbox";
    private const string Node = "needs Node.js; tests/npm does the same";

    /// <summary>Document, first line of the block, reason.</summary>
    public static IReadOnlyList<(string Path, string FirstLine, string Reason)> Blocks { get; } =
    [
        ("CONTRIBUTING.md", "cd tests/npm && npm install && npm test", Node),
        ("bench/README.md", "bench/run.sh                                                          # everything; writes the table below", Bench),
        ("bench/Drill/README.md", "dotnet run -c Release --project bench/Drill                          # 200 replies of 20 s, 5 kills", Bench),
        ("bench/DiscordDrill/README.md", "dotnet run -c Release --project bench/DiscordDrill", Bench),
        ("docs/cluster.md", "deploy/local-cluster.sh", Cluster),
        ("docs/cluster.md", "dotnet build src/Silo -c Release", Cluster),
        ("docs/cluster.md", "cozecluster schema apply", Cluster),
        ("docs/cluster.md", "docker compose -f deploy/compose.yaml run --rm schema", Docker),
        ("docs/cluster.md", "docker compose -f deploy/compose.yaml up --build", Docker),
        ("docs/cluster.md", "compose() { docker compose -f deploy/compose.yaml \"$@\"; }", Docker),
        ("docs/configuration.md", "dotnet run --project src/Silo -- --fleet fleet.yaml --urls \"https://*:7443\" \\", Https),
        ("docs/zh-CN/configuration.md", "dotnet run --project src/Silo -- --fleet fleet.yaml --urls \"https://*:7443\" \\", Https),
        ("docs/operations.md", "cozecluster() { dotnet src/Silo/bin/Release/net10.0/CozeCluster.Silo.dll \"$@\"; }", Backup),
        ("docs/operations.md", "dotnet run --project src/Silo -- check --online --fleet fleet.yaml", Online),
        ("docs/operations.md", "dotnet build bench/Drill -c Release", Bench),
        ("docs/operations.md", "ROUNDS=2 SECONDS_EACH=6 deploy/cost.sh", Bench),
        ("docs/sandbox.md", "dotnet build src/Sandbox && cd tests/npm && npm install && npm test     # SANDBOX_URL=… uses one that runs already", Node),
        ("examples/resume/README.md", "dotnet run --project src/Silo -- --sandbox          # a node to talk to", Node),
    ];

    public static bool Has(Block block) => Blocks.Any(entry => entry.Path == block.Document.Path && entry.FirstLine == block.FirstLine);
}
