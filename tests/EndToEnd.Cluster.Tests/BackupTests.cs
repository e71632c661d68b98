namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>A node is backed up while it runs, is lost, and is restored elsewhere.</summary>
public sealed class BackupTests : StoreCommandTests
{
    private string Backup => Path.Combine(Folder, "backup");

    [Fact]
    public async Task Its_conversation_is_read_and_continues_on_another_node_and_in_a_cluster()
    {
        string conversation;
        await using (var node = await NodeProcess.StartAsync(Folder, Arguments))
        {
            using var http = HttpRequests.CreateClient(node.BaseUrl);
            conversation = await SendAsync(http, "first");
            var (code, output) = await Database.RunCommandAsync("store", "backup", "--data", Data, "--to", Backup);
            Assert.Equal((0, "Wrote "), (code, output[..6]));
            Assert.Contains("exists already", (await Database.RunCommandAsync("store", "backup", "--data", Data, "--to", Backup)).Output);
            await SendAsync(http, "after the backup");
            Assert.Contains("in use by another process", (await RestoreAsync("--data", Data)).Output);
            await node.KillAsync();
        }
        Assert.Contains("contains grains.db", (await RestoreAsync("--data", Data)).Output);

        var other = Path.Combine(Folder, "other");
        Assert.Equal(0, (await RestoreAsync("--data", DataIn(other))).Code);
        File.Copy(Path.Combine(Data, "secrets.key"), Path.Combine(DataIn(other), "secrets.key"));
        await using (var restored = await NodeProcess.StartAsync(other, Arguments))
        {
            using var http = HttpRequests.CreateClient(restored.BaseUrl);
            Assert.Single(await http.GetTurnsAsync("kept"));
            Assert.Equal(conversation, await SendAsync(http, "second"));
            Assert.Equal(2, (await http.GetTurnsAsync("kept")).Count);
        }

        var database = await Database.GetConnectionStringAsync();
        Assert.Equal(0, (await RestoreAsync("--postgres", database, "--cluster-id", ClusterId)).Code);
        Assert.Contains("has stored something already", (await RestoreAsync("--postgres", database, "--cluster-id", ClusterId)).Output);
        await using var cluster = await StartClusterAsync(await File.ReadAllTextAsync(Path.Combine(DataIn(other), "secrets.key")));
        using var client = HttpRequests.CreateClient(cluster.BaseUrl);
        Assert.Single(await client.GetTurnsAsync("kept"));
        Assert.Equal(conversation, await SendAsync(client, "third"));
        var ofCluster = Backup + "-of-cluster";
        Assert.Equal(0, (await Database.RunCommandAsync("store", "backup", "--postgres", database, "--cluster-id", ClusterId, "--to", ofCluster)).Code);
        Assert.NotEqual(0, new FileInfo(ofCluster).Length);
    }

    private static string DataIn(string folder) => Path.Combine(folder, "data");

    private Task<(int Code, string Output)> RestoreAsync(params string[] target) =>
        Database.RunCommandAsync(["store", "restore", "--from", Backup, .. target]);
}
