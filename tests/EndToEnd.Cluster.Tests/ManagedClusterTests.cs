using CozeCluster.EndToEnd.Tests.Fleets;
using CozeCluster.Sandbox;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>Changes through one gateway are seen by clients of another one.</summary>
public sealed class ManagedClusterTests
{
    [Fact]
    public async Task What_one_gateway_makes_and_revokes_is_so_on_the_other_one()
    {
        using var folder = new TempFolder();
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions(), TestTimeout.Token);
        await using var cluster = await NodeCluster.StartAsync(folder.Path, [], gateways: 2);
        using var owner = await AdminClient.OwnerOf(cluster);
        using var other = HttpRequests.CreateClient(cluster.Gateways[1].BaseUrl);

        var key = await owner.MakeChat(new Uri(sandbox.BaseUrl, "coze"), "acme", Bots.One);
        await UntilStatus(200);

        await owner.Change("/tenants/acme/keys/app", """{"disabled": true}""");
        await UntilStatus(401);

        // Each sends the version that both have read.
        var tag = (await owner.Send("GET", "/bots/acme")).Tag;
        using var second = owner.To(cluster.Gateways[1].BaseUrl);
        var answers = await Task.WhenAll(
            owner.Send("PATCH", "/bots/acme", """{"max_concurrent_turns": 1}""", tag),
            second.Send("PATCH", "/bots/acme", """{"max_concurrent_turns": 2}""", tag));
        Assert.Equal([200, 412], answers.Select(answer => answer.Status).Order());

        async Task UntilStatus(int status)
        {
            // The other gateway asks for changes once a second.
            while ((await new ChatRequest(other, sandbox.Coze, "acme", "") { Key = key }.CompleteAsync()).Status != status)
                await Task.Delay(100, TestTimeout.Token);
        }
    }
}
