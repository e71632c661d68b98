namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>The data of a single node is moved to a cluster.</summary>
public sealed class MoveTests : StoreCommandTests
{
    [Fact]
    public async Task A_conversation_continues_in_the_cluster()
    {
        string conversation;
        await using (var node = await NodeProcess.StartAsync(Folder, Arguments))
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
        await using var cluster = await StartClusterAsync(await File.ReadAllTextAsync(Path.Combine(Data, "secrets.key")));
        using var client = HttpRequests.CreateClient(cluster.BaseUrl);
        Assert.Equal(conversation, await SendAsync(client, "second"));
        Assert.Equal(2, (await client.GetTurnsAsync("kept")).Count);
    }

    private async Task<(int Code, string Output)> MoveAsync(string? key = null) => await Database.RunCommandAsync(
        key is null ? [] : KeysVariable(key),
        "store", "move", "--data", Data, "--postgres", await Database.GetConnectionStringAsync(), "--cluster-id", ClusterId);
}
