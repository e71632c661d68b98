using System.Security.Cryptography;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>The key that encrypts secrets is replaced: of a single node while it does not run, of a cluster while its nodes run.</summary>
public sealed class RotationTests : StoreCommandTests
{
    [Fact]
    public async Task A_single_node_continues_with_its_new_key_and_the_same_version_of_its_fleet()
    {
        string version;
        await using (var node = await NodeProcess.StartAsync(Folder, Arguments))
        {
            version = await TurnAsync(node);
            Assert.Contains("in use by another process", (await Database.RunCommandAsync("secrets", "rotate", "--data", Data)).Output);
            Assert.Equal(0, await node.StopAsync(TestTimeout.Token));
        }

        Assert.Equal(0, (await Database.RunCommandAsync("secrets", "rotate", "--data", Data)).Code);
        // What the rotation has added is the last line. The other one is not needed any more.
        await File.WriteAllLinesAsync(Path.Combine(Data, "secrets.key"), [(await File.ReadAllLinesAsync(Path.Combine(Data, "secrets.key")))[^1]]);
        await using (var node = await NodeProcess.StartAsync(Folder, Arguments)) Assert.Equal(version, await TurnAsync(node));

        File.Delete(Path.Combine(Data, "secrets.key"));
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => NodeProcess.StartAsync(Folder, Arguments));
        Assert.Contains("secrets forget", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, (await Database.RunCommandAsync("secrets", "forget", "--data", Data)).Code);
        await using (var node = await NodeProcess.StartAsync(Folder, Arguments)) Assert.NotEqual(version, await TurnAsync(node));
    }

    [Fact]
    public async Task A_cluster_goes_from_one_key_to_another_while_its_nodes_run()
    {
        var (old, next) = (NewKey(), NewKey());
        string version;
        await using (var cluster = await StartClusterAsync(old)) version = await TurnAsync(cluster.Silos[0], cluster.BaseUrl);
        await using (var cluster = await StartClusterAsync($"{next},{old}"))
        {
            Assert.Equal(version, await TurnAsync(cluster.Silos[0], cluster.BaseUrl));
            var (code, output) = await Database.RunCommandAsync(
                KeysVariable($"{next},{old}"), "secrets", "rotate", "--postgres", await Database.GetConnectionStringAsync(), "--cluster-id", ClusterId);
            Assert.Equal((0, "Encrypted 1 "), (code, output[..12]));
            Assert.Equal(version, await TurnAsync(cluster.Silos[0], cluster.BaseUrl));
        }
        await using (var cluster = await StartClusterAsync(next)) Assert.Equal(version, await TurnAsync(cluster.Silos[0], cluster.BaseUrl));

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => StartClusterAsync(old));
        Assert.Contains("Give it that key too", error.Message, StringComparison.Ordinal);
    }

    private static string NewKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    /// <summary>Runs a turn, for which the token of the account is opened.</summary>
    /// <returns>The version of the fleet that the node has logged: a hash of its content with the fingerprints of its secrets.</returns>
    private async Task<string> TurnAsync(NodeProcess node, Uri? gateway = null)
    {
        using var http = HttpRequests.CreateClient(gateway ?? node.BaseUrl);
        Assert.True((await new ChatRequest(http, Coze, "bot", "chunks=3").StreamAsync()).IsDone);
        return node.Output.Split('\n').Single(line => line.Contains("Applied the fleet", StringComparison.Ordinal)).Split("(version ")[1];
    }
}
