using CozeCluster.Sandbox;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>A single node becomes a cluster: what it has stored is moved.</summary>
public sealed class MoveTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private SandboxServer _sandbox = null!;
    private string[] _arguments = [];

    public async ValueTask InitializeAsync()
    {
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions(), CancellationToken.None);
        _arguments = ["--fleet", _folder.Write("fleet.yaml", new TestFleet().Alone("bot", new Uri(_sandbox.BaseUrl, "coze")).ToString()), "--start-grace", "60s"];
    }

    public async ValueTask DisposeAsync()
    {
        await _sandbox.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_conversation_goes_on_in_the_cluster()
    {
        string chat;
        await using (var node = await NodeProcess.StartAsync(_folder.Path, _arguments))
        {
            using var http = HttpCalls.Client(node.BaseUrl);
            chat = await AskAsync(http, "first");
            Assert.Contains("in use by another process", (await MoveAsync()).Output, StringComparison.Ordinal);
            await node.StopAsync(Ask.Patience);
        }
        var other = await MoveAsync(Convert.ToBase64String(new byte[32]));
        Assert.Equal(2, other.Code);
        Assert.Contains("is not the key", other.Output, StringComparison.Ordinal);

        var (code, output) = await MoveAsync();

        Assert.Equal((0, "Copied "), (code, output[..7]));
        Assert.Contains(" and 0 files ", output, StringComparison.Ordinal);
        Assert.Contains("has stored states", (await MoveAsync()).Output, StringComparison.Ordinal);
        var key = new Dictionary<string, string> { ["COZECLUSTER_SECRETS_KEY"] = await File.ReadAllTextAsync(Path.Combine(Data, "secrets.key")) };
        await using var cluster = await NodeCluster.StartAsync(_folder.Path, _arguments, key, silos: 1);
        using var client = HttpCalls.Client(cluster.BaseUrl);
        Assert.Equal(chat, await AskAsync(client, "second"));
        var turns = await client.AnswerAsync(HttpMethod.Get, "/cozecluster/v1/conversations/kept");
        Assert.Equal(2, turns.Json.GetProperty("data").GetArrayLength());
    }

    private string Data => Path.Combine(_folder.Path, "data");

    private async Task<string> AskAsync(HttpClient http, string prompt)
    {
        var ask = new Ask(http, _sandbox.Coze, "bot", $"chunks=3 seed={prompt.Length}").With(body => body["conversation_id"] = "kept");
        Assert.True((await ask.StreamAsync()).IsDone);
        return ask.Chat.ConversationId;
    }

    private async Task<(int Code, string Output)> MoveAsync(string? key = null) => await Database.CommandAsync(
        key is null ? [] : new() { ["COZECLUSTER_SECRETS_KEY"] = key },
        "store", "move", "--data", Data, "--postgres", await Database.ConnectionStringAsync(), "--cluster-id", Path.GetFileName(_folder.Path));
}
