using System.Net;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>What several nodes are to their clients and operators while all of them are well.</summary>
[Collection(nameof(SharedCluster))]
public sealed class ClusterTests(RunningCluster cluster)
{
    [Fact]
    public async Task Any_gateway_goes_on_with_a_conversation()
    {
        var asks = new List<Ask>();
        for (var turn = 0; turn < 4; turn++)
        {
            asks.Add(cluster.Ask("chunks=5", gateway: turn % 2).With(body => body["conversation_id"] = "shared"));
            var reply = await asks[^1].StreamAsync();
            Assert.Equal(Assert.Single(asks[^1].Chat.Answers), reply.Text);
        }

        Assert.Single(asks.Select(ask => ask.Chat.ConversationId).Distinct());
        foreach (var gateway in new[] { 0, 1 })
        {
            var turns = await cluster.Http(gateway).AnswerAsync(HttpMethod.Get, "/cozecluster/v1/conversations/shared");
            Assert.Equal(4, turns.Json.GetProperty("data").GetArrayLength());
        }
    }

    [Fact]
    public async Task A_client_that_leaves_has_its_chat_cancelled()
    {
        var ask = cluster.Ask("chunks=2000 pace=20ms");
        await using (var open = await ask.OpenStreamAsync()) await open.UntilAsync(reply => reply.Text.Length > 0, Ask.Patience);

        var chat = await ask.WaitForChatAsync(chat => chat.Ended);
        Assert.True(chat.Canceled);
    }

    [Fact]
    public async Task A_silo_tells_how_it_is_and_nothing_else()
    {
        var silo = cluster.Client(cluster.Nodes.Silos[0].BaseUrl);

        Assert.Equal(HttpStatusCode.OK, (await silo.GetAsync("/health/live")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await silo.GetAsync("/health/ready")).StatusCode);
        Assert.Contains("cozecluster_health", await silo.GetStringAsync("/metrics"), StringComparison.Ordinal);
        Assert.Equal(404, (await silo.AnswerAsync(HttpMethod.Get, "/v1/models")).Status);
        Assert.Equal(200, (await silo.AnswerAsync(HttpMethod.Get, "/admin/health", TestFleet.AdminKey)).Status);
    }

    [Fact]
    public async Task The_schema_can_be_applied_again()
    {
        var (code, output) = await Database.CommandAsync("schema", "apply", "--postgres", await Database.ConnectionStringAsync());

        Assert.Equal((0, "The schema is up to date."), (code, output.Trim()));
    }

    [Fact]
    public async Task A_silo_without_tables_says_so_and_ends()
    {
        var empty = (await Database.ConnectionStringAsync()).Replace("Database=postgres", "Database=template1", StringComparison.Ordinal);

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => NodeProcess.StartAsync(
            Path.GetTempPath(),
            ["--fleet", cluster.FleetFile],
            new Dictionary<string, string> { ["COZECLUSTER_POSTGRES"] = empty, ["COZECLUSTER_SECRETS_KEY"] = Convert.ToBase64String(new byte[32]) }));

        Assert.Contains("Apply the schema first", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("   at Npgsql", error.Message, StringComparison.Ordinal);
    }
}
