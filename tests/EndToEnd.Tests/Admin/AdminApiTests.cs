using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.EndToEnd.Tests.Admin;

/// <summary>What operators, owners and tenant admins see and change, on real nodes.</summary>
public sealed class AdminApiTests(NodeFixture node)
{
    [Fact]
    public async Task A_turn_is_found_with_its_timeline_and_its_content()
    {
        var model = node.NewModel();
        var reply = await node.NewRequest("say=Hello", model).StreamAsync();

        var list = await GetAsync(TestFleet.ViewerKey, $"turns?tenant=main&model={model}&status=completed");
        var found = Assert.Single(list.Json.GetProperty("data").EnumerateArray());
        Assert.Equal((reply.TurnId, model, "app"), (found.Text("id"), found.Text("bot"), found.Text("key")));
        var turn = await GetAsync(TestFleet.ViewerKey, $"turns/{reply.TurnId}");
        var timeline = turn.Json.GetProperty("timeline").EnumerateArray().ToList();
        Assert.Equal(["accepted", "attempt", "first_text", "attempt_ended", "ended"], timeline.Select(happened => happened.Text("event")));
        var times = timeline.Select(happened => happened.GetProperty("at").GetDateTime()).ToList();
        Assert.Equal(times.Order(), times);
        Assert.DoesNotContain("Hello", turn.Json.GetRawText(), StringComparison.Ordinal);

        var content = await GetAsync(TestFleet.AdminKey, $"turns/{reply.TurnId}?content=true");
        Assert.Contains("Hello", content.Json.GetProperty("content").GetRawText(), StringComparison.Ordinal);
        Assert.Equal(403, (await GetAsync(TestFleet.OperatorKey, $"turns/{reply.TurnId}?content=true")).Status);
        var outcomes = (await GetAsync(TestFleet.AdminKey, $"audit?id={reply.TurnId}")).Json.GetProperty("data").EnumerateArray()
            .Select(entry => $"{entry.GetProperty("actor").Text("key")} {entry.Text("action")} {entry.Text("outcome")}");
        Assert.Equal(["operator inspectTurn permission_denied", "ops inspectTurn ok"], outcomes);
    }

    [Fact]
    public async Task An_operator_cancels_a_running_turn()
    {
        await using var running = await node.NewRequest("chunks=100000 pace=100ms", node.NewModel()).OpenStreamAsync();
        await running.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);
        var path = $"turns/{running.Reply.TurnId}";

        Assert.Equal("running", (await GetAsync(TestFleet.ViewerKey, path)).Json.GetProperty("turn").Text("status"));
        Assert.Equal(403, (await SendAsync(HttpMethod.Delete, TestFleet.ViewerKey, path)).Status);
        var cancelled = await SendAsync(HttpMethod.Delete, TestFleet.OperatorKey, path);

        Assert.Equal("cancelled", cancelled.Json.GetProperty("turn").Text("status"));
        Assert.Equal(409, (await SendAsync(HttpMethod.Delete, TestFleet.OperatorKey, path)).Status);
    }

    [Fact]
    public async Task A_conversation_is_listed_read_and_deleted()
    {
        var name = $"talk/{Guid.NewGuid():n}";
        await node.NewRequest("say=Secret", node.NewModel()).InConversation(name).StreamAsync();
        var path = $"conversations/main/{name}";

        var list = (await GetAsync(TestFleet.TenantAdminKey, "conversations?limit=1000")).Json.GetProperty("data").EnumerateArray();
        Assert.Contains(list, conversation => conversation.Text("name") == name);
        Assert.DoesNotContain("Secret", (await GetAsync(TestFleet.ViewerKey, path)).Json.GetRawText(), StringComparison.Ordinal);
        Assert.Contains("Secret", (await GetAsync(TestFleet.TenantAdminKey, $"{path}?content=true")).Json.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(404, (await SendAsync(HttpMethod.Delete, TestFleet.OtherTenantAdminKey, path)).Status);

        using (var deleted = await node.Http.RequestAsync(HttpMethod.Delete, $"/admin/v1/{path}", TestFleet.OperatorKey))
            Assert.Equal(204, (int)deleted.StatusCode);

        Assert.Equal(404, (await GetAsync(TestFleet.ViewerKey, path)).Status);
    }

    [Fact]
    public async Task Credit_is_added_once_for_each_payment()
    {
        var payment = new JsonObject { ["id"] = $"p-{Guid.NewGuid():n}", ["amount"] = 12.5, ["at"] = "2026-01-31T12:00:00Z", ["note"] = "by hand" };
        var before = (await GetAsync(TestFleet.ViewerKey, "tenants/forgetful/credit")).Json.GetProperty("credit").GetProperty("added").GetDecimal();

        for (var i = 0; i < 2; i++)
        {
            var added = await SendAsync(HttpMethod.Post, TestFleet.OperatorKey, "tenants/forgetful/credit", payment.DeepClone());
            Assert.Equal(before + 12.5m, added.Json.GetProperty("credit").GetProperty("added").GetDecimal());
        }

        payment["amount"] = 13;
        var other = await SendAsync(HttpMethod.Post, TestFleet.OperatorKey, "tenants/forgetful/credit", payment);
        Assert.Equal((409, "idempotency_mismatch"), (other.Status, other.Json.Text("code")));
        var outcomes = (await GetAsync(TestFleet.AdminKey, "audit?action=addCredit&tenant=forgetful&limit=3")).Json.GetProperty("data").EnumerateArray()
            .Select(entry => entry.Text("outcome"));
        Assert.Equal(["idempotency_mismatch", "ok", "ok"], outcomes);
    }

    [Fact]
    public async Task The_fleet_and_the_cluster_are_shown_without_secrets()
    {
        var model = node.NewModel();

        Assert.Equal("token", (await GetAsync(TestFleet.ViewerKey, $"accounts/{model}")).Json.Text("credential"));
        Assert.Equal([model], Texts((await GetAsync(TestFleet.ViewerKey, $"bots/{model}")).Json.GetProperty("accounts")));
        Assert.Equal([model], Texts((await GetAsync(TestFleet.ViewerKey, $"models/{model}")).Json.GetProperty("bots")));
        Assert.DoesNotContain("pat_", (await GetAsync(TestFleet.AdminKey, "accounts?limit=1000")).Json.GetRawText(), StringComparison.Ordinal);
        var cluster = (await GetAsync(TestFleet.ViewerKey, "cluster")).Json;
        Assert.Contains(cluster.GetProperty("silos").EnumerateArray(), silo => silo.Text("status") == "active");
        Assert.NotEqual(0, cluster.GetProperty("processes").GetArrayLength());
    }

    [Fact]
    public async Task A_dry_run_shows_bots_to_operators_only()
    {
        var model = node.NewModel();
        var path = $"dry-run/route?tenant=main&model={model}";

        var own = (await GetAsync(TestFleet.TenantAdminKey, path)).Json;
        var all = (await GetAsync(TestFleet.ViewerKey, path)).Json;

        Assert.Equal((model, 1), (all.Text("bot"), all.GetProperty("bots").GetArrayLength()));
        Assert.Equal((JsonValueKind.Null, 0), (own.GetProperty("bot").ValueKind, own.GetProperty("bots").GetArrayLength()));
        Assert.Equal(JsonValueKind.Null, own.GetProperty("error").ValueKind);
        Assert.Equal(4, own.GetProperty("checks").GetArrayLength());
    }

    [Fact]
    public async Task The_document_describes_the_answers_by_their_types()
    {
        var document = (await node.Http.RequestJsonAsync(HttpMethod.Get, "/openapi/v1.json", key: null)).Json;

        var operation = document.GetProperty("paths").GetProperty("/admin/v1/tenants/{id}/credit").GetProperty("post");
        Assert.Equal("addCredit", operation.Text("operationId"));
        Assert.True(operation.GetProperty("requestBody").GetProperty("content").TryGetProperty("application/json", out _));
        Assert.True(operation.GetProperty("responses").GetProperty("default").GetProperty("content").TryGetProperty("application/problem+json", out _));
        var turn = document.GetProperty("components").GetProperty("schemas").GetProperty("AdminTurn").GetProperty("properties");
        Assert.True(turn.TryGetProperty("first_text_at", out _));
    }

    private static IEnumerable<string?> Texts(JsonElement array) => array.EnumerateArray().Select(item => item.GetString());

    private Task<ApiResponse> GetAsync(string key, string path) => SendAsync(HttpMethod.Get, key, path);

    private Task<ApiResponse> SendAsync(HttpMethod method, string key, string path, JsonNode? body = null) =>
        node.Http.RequestJsonAsync(method, $"/admin/v1/{path}", key, body);
}
