using System.Security.Cryptography;
using CozeCluster.Sandbox;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>The key that encrypts secrets is replaced: of a single node while it does not run, of a cluster while its nodes run.</summary>
public sealed class RotationTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private SandboxServer _sandbox = null!;
    private string[] _arguments = [];

    public async ValueTask InitializeAsync()
    {
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions(), CancellationToken.None);
        var fleet = _folder.Write("fleet.yaml", new TestFleet().AddIsolatedModel("bot", new Uri(_sandbox.BaseUrl, "coze")).ToString());
        _arguments = ["--fleet", fleet, "--start-grace", "60s"];
    }

    public async ValueTask DisposeAsync()
    {
        await _sandbox.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_single_node_continues_with_its_new_key_and_the_same_version_of_its_fleet()
    {
        var data = Path.Combine(_folder.Path, "data");
        string version;
        await using (var node = await NodeProcess.StartAsync(_folder.Path, _arguments))
        {
            version = await TurnAsync(node);
            Assert.Contains("in use by another process", (await Database.RunCommandAsync("secrets", "rotate", "--data", data)).Output);
            Assert.Equal(0, await node.StopAsync(TestTimeout.Token));
        }

        Assert.Equal(0, (await Database.RunCommandAsync("secrets", "rotate", "--data", data)).Code);
        // What the rotation has added is the last line. The other one is not needed any more.
        await File.WriteAllLinesAsync(Path.Combine(data, "secrets.key"), [(await File.ReadAllLinesAsync(Path.Combine(data, "secrets.key")))[^1]]);
        await using (var node = await NodeProcess.StartAsync(_folder.Path, _arguments)) Assert.Equal(version, await TurnAsync(node));

        File.Delete(Path.Combine(data, "secrets.key"));
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => NodeProcess.StartAsync(_folder.Path, _arguments));
        Assert.Contains("secrets forget", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, (await Database.RunCommandAsync("secrets", "forget", "--data", data)).Code);
        await using (var node = await NodeProcess.StartAsync(_folder.Path, _arguments)) Assert.NotEqual(version, await TurnAsync(node));
    }

    [Fact]
    public async Task A_cluster_goes_from_one_key_to_another_while_its_nodes_run()
    {
        var (old, next) = (NewKey(), NewKey());
        string version;
        await using (var cluster = await StartAsync(old)) version = await TurnAsync(cluster.Silos[0], cluster.BaseUrl);
        await using (var cluster = await StartAsync($"{next},{old}"))
        {
            Assert.Equal(version, await TurnAsync(cluster.Silos[0], cluster.BaseUrl));
            var environment = new Dictionary<string, string> { ["COZECLUSTER_SECRETS_KEY"] = $"{next},{old}" };
            var (code, output) = await Database.RunCommandAsync(
                environment, "secrets", "rotate", "--postgres", await Database.GetConnectionStringAsync(), "--cluster-id", Path.GetFileName(_folder.Path));
            Assert.Equal((0, "Encrypted 1 "), (code, output[..12]));
            Assert.Equal(version, await TurnAsync(cluster.Silos[0], cluster.BaseUrl));
        }
        await using (var cluster = await StartAsync(next)) Assert.Equal(version, await TurnAsync(cluster.Silos[0], cluster.BaseUrl));

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(old));
        Assert.Contains("Give it that key too", error.Message, StringComparison.Ordinal);
    }

    private static string NewKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    private Task<NodeCluster> StartAsync(string keys) => NodeCluster.StartAsync(
        _folder.Path, _arguments, new Dictionary<string, string> { ["COZECLUSTER_SECRETS_KEY"] = keys }, silos: 1);

    /// <summary>Runs a turn, for which the token of the account is opened.</summary>
    /// <returns>The version of the fleet that the node has logged: a hash of its content with the fingerprints of its secrets.</returns>
    private async Task<string> TurnAsync(NodeProcess node, Uri? gateway = null)
    {
        using var http = HttpRequests.CreateClient(gateway ?? node.BaseUrl);
        Assert.True((await new ChatRequest(http, _sandbox.Coze, "bot", "chunks=3").StreamAsync()).IsDone);
        return node.Output.Split('\n').Single(line => line.Contains("Applied the fleet", StringComparison.Ordinal)).Split("(version ")[1];
    }
}
