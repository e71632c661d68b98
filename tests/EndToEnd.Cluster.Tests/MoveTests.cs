using CozeCluster.Sandbox;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>The data of a single node is moved to a cluster.</summary>
public sealed class MoveTests : IAsyncLifetime
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
    public async Task A_conversation_continues_in_the_cluster()
    {
        string conversation;
        await using (var node = await NodeProcess.StartAsync(_folder.Path, _arguments))
        {
            using var http = HttpRequests.CreateClient(node.BaseUrl);
            conversation = await SendAsync(http, "first");
            Assert.Contains("in use by another process", (await MoveAsync()).Output, StringComparison.Ordinal);
            await node.StopAsync(TestTimeout.Token);
        }
        var other = await MoveAsync(Convert.ToBase64String(new byte[32]));
        Assert.Equal(2, other.Code);
        Assert.Contains("is not the key", other.Output, StringComparison.Ordinal);

        var (code, output) = await MoveAsync();

        Assert.Equal((0, "Copied "), (code, output[..7]));
        Assert.Contains(" and 0 files ", output, StringComparison.Ordinal);
        Assert.Contains("has stored something already", (await MoveAsync()).Output, StringComparison.Ordinal);
        var key = new Dictionary<string, string> { ["COZECLUSTER_SECRETS_KEY"] = await File.ReadAllTextAsync(Path.Combine(Data, "secrets.key")) };
        await using var cluster = await NodeCluster.StartAsync(_folder.Path, _arguments, key, silos: 1);
        using var client = HttpRequests.CreateClient(cluster.BaseUrl);
        Assert.Equal(conversation, await SendAsync(client, "second"));
        Assert.Equal(2, (await client.GetTurnsAsync("kept")).Count);
    }

    private string Data => Path.Combine(_folder.Path, "data");

    private async Task<string> SendAsync(HttpClient http, string prompt)
    {
        var request = new ChatRequest(http, _sandbox.Coze, "bot", $"chunks=3 seed={prompt.Length}").InConversation("kept");
        Assert.True((await request.StreamAsync()).IsDone);
        return request.Chat.ConversationId;
    }

    private async Task<(int Code, string Output)> MoveAsync(string? key = null) => await Database.RunCommandAsync(
        key is null ? [] : new() { ["COZECLUSTER_SECRETS_KEY"] = key },
        "store", "move", "--data", Data, "--postgres", await Database.GetConnectionStringAsync(), "--cluster-id", Path.GetFileName(_folder.Path));
}
