using CozeCluster.Sandbox;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>A node is backed up while it runs, is lost, and is restored elsewhere.</summary>
public sealed class BackupTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private SandboxServer _sandbox = null!;
    private string[] _arguments = [];

    private string Backup => Path.Combine(_folder.Path, "backup");

    private string Cluster => Path.GetFileName(_folder.Path);

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
    public async Task Its_conversation_is_read_and_continues_on_another_node_and_in_a_cluster()
    {
        string conversation;
        await using (var node = await NodeProcess.StartAsync(_folder.Path, _arguments))
        {
            using var http = HttpRequests.CreateClient(node.BaseUrl);
            conversation = await SendAsync(http, "first");
            var (code, output) = await Database.RunCommandAsync("store", "backup", "--data", DataIn(_folder.Path), "--to", Backup);
            Assert.Equal((0, "Wrote "), (code, output[..6]));
            Assert.Contains("exists already", (await Database.RunCommandAsync("store", "backup", "--data", DataIn(_folder.Path), "--to", Backup)).Output);
            await SendAsync(http, "after the backup");
            Assert.Contains("in use by another process", (await RestoreAsync("--data", DataIn(_folder.Path))).Output);
            await node.KillAsync();
        }
        Assert.Contains("contains grains.db", (await RestoreAsync("--data", DataIn(_folder.Path))).Output);

        var other = Path.Combine(_folder.Path, "other");
        Assert.Equal(0, (await RestoreAsync("--data", DataIn(other))).Code);
        File.Copy(Path.Combine(DataIn(_folder.Path), "secrets.key"), Path.Combine(DataIn(other), "secrets.key"));
        await using (var restored = await NodeProcess.StartAsync(other, _arguments))
        {
            using var http = HttpRequests.CreateClient(restored.BaseUrl);
            Assert.Single(await http.GetTurnsAsync("kept"));
            Assert.Equal(conversation, await SendAsync(http, "second"));
            Assert.Equal(2, (await http.GetTurnsAsync("kept")).Count);
        }

        var database = await Database.GetConnectionStringAsync();
        Assert.Equal(0, (await RestoreAsync("--postgres", database, "--cluster-id", Cluster)).Code);
        Assert.Contains("has stored something already", (await RestoreAsync("--postgres", database, "--cluster-id", Cluster)).Output);
        var key = new Dictionary<string, string> { ["COZECLUSTER_SECRETS_KEY"] = await File.ReadAllTextAsync(Path.Combine(DataIn(other), "secrets.key")) };
        await using var cluster = await NodeCluster.StartAsync(_folder.Path, _arguments, key, silos: 1);
        using var client = HttpRequests.CreateClient(cluster.BaseUrl);
        Assert.Single(await client.GetTurnsAsync("kept"));
        Assert.Equal(conversation, await SendAsync(client, "third"));
        var ofCluster = Backup + "-of-cluster";
        Assert.Equal(0, (await Database.RunCommandAsync("store", "backup", "--postgres", database, "--cluster-id", Cluster, "--to", ofCluster)).Code);
        Assert.NotEqual(0, new FileInfo(ofCluster).Length);
    }

    private static string DataIn(string folder) => Path.Combine(folder, "data");

    private Task<(int Code, string Output)> RestoreAsync(params string[] target) =>
        Database.RunCommandAsync(["store", "restore", "--from", Backup, .. target]);

    private async Task<string> SendAsync(HttpClient http, string prompt)
    {
        var request = new ChatRequest(http, _sandbox.Coze, "bot", $"chunks=3 seed={prompt.Length}").InConversation("kept");
        Assert.True((await request.StreamAsync()).IsDone);
        return request.Chat.ConversationId;
    }
}
