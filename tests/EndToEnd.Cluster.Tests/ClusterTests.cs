using System.Net;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.OpenAi;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>A cluster whose nodes all run, as clients and operators use it.</summary>
[Collection(nameof(SharedCluster))]
public sealed class ClusterTests(RunningCluster cluster)
{
    [Fact]
    public async Task A_conversation_continues_on_any_gateway()
    {
        var requests = new List<ChatRequest>();
        for (var turn = 0; turn < 4; turn++)
        {
            requests.Add(cluster.NewRequest("chunks=5", gateway: turn % 2).InConversation("shared"));
            var reply = await requests[^1].StreamAsync();
            Assert.Equal(Assert.Single(requests[^1].Chat.Answers), reply.Text);
        }

        Assert.Single(requests.Select(request => request.Chat.ConversationId).Distinct());
        foreach (var gateway in new[] { 0, 1 })
        {
            Assert.Equal(4, (await cluster.Http(gateway).GetTurnsAsync("shared")).Count);
        }
    }

    [Fact]
    public async Task The_chat_of_a_client_that_leaves_is_cancelled()
    {
        var request = cluster.NewRequest("chunks=2000 pace=20ms");
        await using (var open = await request.OpenStreamAsync()) await open.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);

        var chat = await request.WaitForChatAsync(chat => chat.Ended);
        Assert.True(chat.Canceled);
    }

    [Fact]
    public async Task A_silo_serves_health_and_metrics_but_no_models()
    {
        var silo = cluster.Client(cluster.Nodes.Silos[0].BaseUrl);

        Assert.Equal(HttpStatusCode.OK, (await silo.GetAsync("/health/live")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await silo.GetAsync("/health/ready")).StatusCode);
        Assert.Contains("cozecluster_health", await silo.ReadMetricsAsync(), StringComparison.Ordinal);
        Assert.Equal(404, (await silo.RequestJsonAsync(HttpMethod.Get, "/v1/models")).Status);
        Assert.Equal(200, (await silo.RequestJsonAsync(HttpMethod.Get, "/admin/health", TestFleet.AdminKey)).Status);
    }

    [Fact]
    public async Task The_own_key_of_a_client_travels_from_a_gateway_to_a_silo()
    {
        var headers = new Dictionary<string, string> { ["x-upstream-authorization"] = $"openai {FakeOpenAi.OwnToken}" };
        foreach (var gateway in new[] { 0, 1 })
        {
            var chat = new JsonObject { ["model"] = "own", ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "[[say=Hello]]" }) };
            using var reply = await cluster.Http(gateway).RequestAsync(HttpMethod.Post, "/v1/chat/completions", body: chat, headers: headers);
            Assert.Contains("Hello", await reply.Content.ReadAsStringAsync(TestTimeout.Token), StringComparison.Ordinal);
            var ask = new JsonObject { ["model"] = "vectors", ["input"] = new JsonArray("a", "b") };
            using var vectors = await cluster.Http(gateway).RequestAsync(HttpMethod.Post, "/v1/embeddings", body: ask, headers: headers);
            Assert.Equal(HttpStatusCode.OK, vectors.StatusCode);
        }
        Assert.All(cluster.OpenAi.Completions, completion => Assert.Equal(FakeOpenAi.OwnToken, completion.Token));
        Assert.All(cluster.OpenAi.Tasks, task => Assert.Equal(FakeOpenAi.OwnToken, task.Token));
        Assert.Equal((2, 2), (cluster.OpenAi.Completions.Count, cluster.OpenAi.Tasks.Count));
        Assert.DoesNotContain(FakeOpenAi.OwnToken, cluster.Nodes.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_schema_can_be_applied_again()
    {
        var (code, output) = await Database.RunCommandAsync("schema", "apply", "--postgres", await Database.GetConnectionStringAsync());

        Assert.Equal((0, "The schema is up to date."), (code, output.Trim()));
    }

    [Fact]
    public async Task A_silo_ends_with_an_error_when_the_tables_are_missing()
    {
        var empty = (await Database.GetConnectionStringAsync()).Replace("Database=postgres", "Database=template1", StringComparison.Ordinal);

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => NodeProcess.StartAsync(
            Path.GetTempPath(),
            ["--fleet", cluster.FleetFile],
            new Dictionary<string, string> { ["COZECLUSTER_POSTGRES"] = empty, ["COZECLUSTER_SECRETS_KEY"] = Convert.ToBase64String(new byte[32]) }));

        Assert.Contains("Apply the schema first", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("   at Npgsql", error.Message, StringComparison.Ordinal);
    }
}
