using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Admin;

/// <summary>The frame of the admin API: errors, pages, changes and their entries in the audit log.</summary>
public sealed class AdminApiTests
{
    private static readonly DateTimeOffset At = DateTimeOffset.UnixEpoch.AddYears(50);

    [Theory]
    [InlineData("GET", "/admin/v1/turns?limit=0", 400, "invalid_request", "limit")]
    [InlineData("GET", "/admin/v1/turns?limit=1&limit=2", 400, "invalid_request", "limit")]
    [InlineData("GET", "/admin/v1/turns?status=done", 400, "invalid_request", "status")]
    [InlineData("GET", "/admin/v1/turns?from=yesterday", 400, "invalid_request", "from")]
    [InlineData("GET", "/admin/v1/turns?from=12:00", 400, "invalid_request", "from")]
    [InlineData("GET", "/admin/v1/turns?after=x", 400, "invalid_request", "after")]
    [InlineData("GET", "/admin/v1/turns/none", 404, "not_found", "id")]
    [InlineData("GET", "/admin/v1/nothing", 404, "not_found", null)]
    [InlineData("PUT", "/admin/v1/turns", 405, "method_not_allowed", null)]
    [InlineData("GET", "/admin/v1/turns/none?content=maybe", 400, "invalid_request", "content")]
    [InlineData("POST", "/admin/v1/tenants/acme/credit", 400, "invalid_request", null)]
    public async Task Error_IsAProblemThatNamesTheField(string method, string path, int status, string code, string? field)
    {
        await using var host = await GatewayHost.Start();

        using var response = await Send(host, "sk-admin", method, path);

        var problem = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal((status, code, field), ((int)problem["status"]!, (string?)problem["code"], (string?)problem["field"]));
        Assert.Equal(response.Headers.GetValues("x-request-id").Single(), (string?)problem["request_id"]);
        Assert.NotEmpty((string)problem["title"]!);
        Assert.NotEmpty((string)problem["detail"]!);
    }

    [Theory]
    [InlineData("""{"id":"p","amount":1,"at":"2020-01-01T00:00:00Z","colour":"red"}""", "colour")]
    [InlineData("""{"id":7,"amount":1,"at":"2020-01-01T00:00:00Z"}""", "id")]
    [InlineData("""{"amount":1,"at":"2020-01-01T00:00:00Z"}""", "id")]
    [InlineData("""{"id":"p","at":"2020-01-01T00:00:00Z"}""", "amount")]
    [InlineData("""{"id":"p","amount":0,"at":"2020-01-01T00:00:00Z"}""", "amount")]
    [InlineData("""{"id":"p","amount":0.0000001,"at":"2020-01-01T00:00:00Z"}""", "amount")]
    [InlineData("""{"id":"p","amount":1}""", "at")]
    [InlineData("""{"id":"p","amount":1,"at":"yesterday"}""", "at")]
    [InlineData("""{"id":"p","amount":"1","at":"2020-01-01T00:00:00Z"}""", "amount")]
    [InlineData("""{"id":"p","amount":1,"amount":2,"at":"2020-01-01T00:00:00Z"}""", "amount")]
    public async Task Change_InvalidBody_NamesTheFieldAndIsNotRecorded(string body, string field)
    {
        await using var host = await GatewayHost.Start();

        using var response = await Send(host, "sk-admin", "POST", "/admin/v1/tenants/acme/credit", body);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(field, (string?)JsonNode.Parse(await response.Content.ReadAsStringAsync())!["field"]);
        Assert.Empty(host.Grains.Audit.Entries);
        Assert.Empty(host.Grains.Budget.Payments);
    }

    [Fact]
    public async Task Change_Made_IsRecordedWithItsOutcome()
    {
        await using var host = await GatewayHost.Start();

        using var response = await Send(host, "sk-operator", "POST", "/admin/v1/tenants/acme/credit", Payment);

        Assert.Equal(2.5m, (decimal)JsonNode.Parse(await response.Content.ReadAsStringAsync())!["credit"]!["added"]!);
        var entry = Assert.Single(host.Grains.Audit.Entries);
        Assert.Equal(("addCredit", "tenant", "acme", "acme", "ok"), (entry.Action, entry.Kind, entry.ItemId, entry.TenantId, entry.Outcome));
        Assert.Equal(("acme", "operator", AdminRole.Operator), (entry.Actor.TenantId, entry.Actor.KeyName, entry.Actor.Role));
        Assert.Equal(["credit"], entry.Fields);
        Assert.Equal(response.Headers.GetValues("x-request-id").Single(), entry.RequestId);
        Assert.Equal(host.Time.GetUtcNow().ToUnixTimeMilliseconds(), entry.At.ToUnixTimeMilliseconds());
    }

    [Theory]
    [InlineData(ErrorCode.IdempotencyMismatch, "idempotency_mismatch")]
    [InlineData(ErrorCode.CallRejected, "unknown")]
    public async Task Change_ThatFails_IsRecordedWithWhatIsKnown(ErrorCode code, string outcome)
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Budget.Fault = new ClusterException(code, "No.");

        using var response = await Send(host, "sk-admin", "POST", "/admin/v1/tenants/acme/credit", Payment);

        Assert.Equal(ErrorTable.Of(code).Status, (int)response.StatusCode);
        Assert.Equal(outcome, Assert.Single(host.Grains.Audit.Entries).Outcome);
    }

    [Fact]
    public async Task Change_ThatCannotBeRecorded_IsNotMade()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Audit.Fault = new ClusterException(ErrorCode.CallRejected, "The database cannot be reached.");

        using var response = await Send(host, "sk-admin", "POST", "/admin/v1/tenants/acme/credit", Payment);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Empty(host.Grains.Budget.Payments);
    }

    [Fact]
    public async Task Lists_Pages_HaveEverythingOnce()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Fleet.Bots.AddRange(["c", "a", "e", "b", "d"]);

        var (found, after) = (new List<string>(), "");
        do
        {
            using var response = await Send(host, "sk-viewer", "GET", $"/admin/v1/bots?limit=2&after={after}");
            var page = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
            found.AddRange(page["data"]!.AsArray().Select(bot => (string)bot!["id"]!));
            after = (string?)page["next"] ?? "";
        }
        while (after.Length > 0);

        Assert.Equal(["a", "b", "c", "d", "e"], found);
    }

    [Theory]
    [InlineData("/admin/v1/health", "data", "id", "account/a1 account/a2 bot/b1 bot/b2 bot/b3")]
    [InlineData("/admin/v1/cluster", "processes", "id", "p1 p2 p3 p4 p5")]
    [InlineData("/admin/v1/conversations/acme/talk", "turns", "id", "t9 t8 t7 t6 t5")]
    [InlineData("/admin/v1/tenants/acme/credit", "payments", "id", "p5 p4 p3 p2 p1")]
    public async Task Pages_OfLongAnswers_HaveEverythingOnceInOrder(string path, string list, string member, string expected)
    {
        await using var host = await GatewayHost.Start();
        foreach (var (kind, id) in new[] { (HealthKind.Bot, "b2"), (HealthKind.Bot, "b1"), (HealthKind.Account, "a2"), (HealthKind.Bot, "b3"),
            (HealthKind.Account, "a1") })
        {
            host.Grains.Health.Entries.Add(new HealthEntry(kind, id, HealthState.Ok));
        }
        host.Grains.Catalog.Status = new FleetStatus(7, [.. new[] { "p3", "p1", "p5", "p2", "p4" }.Select(id => new FleetProcess(id, 7, At))]);
        host.Grains.Budget.Payments.AddRange(Enumerable.Range(1, 5).Reverse().Select(i => new CreditPayment($"p{i}", i, At)));
        host.Grains.Conversation(host.Grains.Fleet.Ids.KeyOf("acme", "talk")).Content = new ConversationSnapshot(
            new ConversationSummary("talk", null, At, At, 5), [.. Enumerable.Range(5, 5).Reverse().Select(i => Turn($"t{i}"))]);

        var (found, after, pages) = (new List<string>(), "", 0);
        do
        {
            using var response = await Send(host, "sk-admin", "GET", $"{path}?limit=2&after={after}");
            var page = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
            found.AddRange(page[list]!.AsArray().Select(item => (list == "data" ? $"{item!["kind"]}/" : "") + (string)item![member]!));
            (after, pages) = ((string?)page["next"] ?? "", pages + 1);
        }
        while (after.Length > 0);

        Assert.Equal((expected, 3), (string.Join(' ', found), pages));
    }

    [Theory]
    [InlineData("/admin/v1/conversations/acme/talk?after=none")]
    [InlineData("/admin/v1/tenants/acme/credit?after=none")]
    public async Task Page_AfterNothing_NamesTheParameter(string path)
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Conversation(host.Grains.Fleet.Ids.KeyOf("acme", "talk")).Content = new ConversationSnapshot(
            new ConversationSummary("talk", null, At, At, 1), [Turn("t")]);

        using var response = await Send(host, "sk-admin", "GET", path);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("after", (string?)JsonNode.Parse(await response.Content.ReadAsStringAsync())!["field"]);
    }

    [Fact]
    public async Task Payment_TimeWithoutAZone_IsUtcWhereverTheNodeIs()
    {
        await using var host = await GatewayHost.Start();
        var zone = Environment.GetEnvironmentVariable("TZ");
        try
        {
            Environment.SetEnvironmentVariable("TZ", "Asia/Shanghai");
            TimeZoneInfo.ClearCachedData();

            using var response = await Send(
                host, "sk-admin", "POST", "/admin/v1/tenants/acme/credit", """{"id":"p","amount":1,"at":"2020-01-31T12:00:00"}""");

            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal(new DateTimeOffset(2020, 1, 31, 12, 0, 0, TimeSpan.Zero), Assert.Single(host.Grains.Budget.Payments).At);
        }
        finally
        {
            Environment.SetEnvironmentVariable("TZ", zone);
            TimeZoneInfo.ClearCachedData();
        }
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(3, false)]
    public async Task List_OfRows_HasNextOnlyIfThereAreMore(int limit, bool hasNext)
    {
        await using var host = await GatewayHost.Start();
        host.Grains.TurnLog.Reports["one"] = Report("one", "acme");
        host.Grains.TurnLog.Reports["two"] = Report("two", "acme");

        using var response = await Send(host, "sk-viewer", "GET", $"/admin/v1/turns?limit={limit}");

        var page = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        Assert.Equal((Math.Min(limit, 2), hasNext), (page["data"]!.AsArray().Count, page["next"] is not null));
    }

    [Fact]
    public async Task TenantAdmin_SeesOnlyItsTenant()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.TurnLog.Reports["mine"] = Report("mine", "acme");
        host.Grains.TurnLog.Reports["theirs"] = Report("theirs", "other");

        using var all = await Send(host, "sk-viewer", "GET", "/admin/v1/turns");
        Assert.Equal(2, JsonNode.Parse(await all.Content.ReadAsStringAsync())!["data"]!.AsArray().Count);
        using var own = await Send(host, "sk-tenant-admin", "GET", "/admin/v1/turns");
        Assert.Equal("mine", (string?)Assert.Single(JsonNode.Parse(await own.Content.ReadAsStringAsync())!["data"]!.AsArray())!["id"]);
        foreach (var path in (string[])["turns/theirs", "turns?tenant=other", "tenants/other", "tenants/other/keys", "conversations?tenant=other"])
        {
            using var response = await Send(host, "sk-tenant-admin", "GET", $"/admin/v1/{path}");
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        }
        using var tenants = await Send(host, "sk-tenant-admin", "GET", "/admin/v1/tenants");
        Assert.Equal("acme", (string?)Assert.Single(JsonNode.Parse(await tenants.Content.ReadAsStringAsync())!["data"]!.AsArray())!["id"]);
    }

    [Fact]
    public async Task Turn_Timeline_HasItsAttempts()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.TurnLog.Reports["t"] = Report("t", "acme");

        using var response = await Send(host, "sk-viewer", "GET", "/admin/v1/turns/t");

        var timeline = JsonNode.Parse(await response.Content.ReadAsStringAsync())!["timeline"]!.AsArray();
        Assert.Equal(
            [
                "accepted     ", "attempt 2 b1 a1  ", "attempt_ended 2 b1 a1 upstream_failed ", "attempt 3 b2 a2  ", "first_text 3 b2 a2  ",
                "ended     completed",
            ],
            timeline.Select(happened => string.Join(
                ' ', ((string[])["event", "attempt", "bot", "account", "error", "status"]).Select(member => $"{happened![member]}"))));
    }

    [Theory]
    [InlineData("sk-viewer", HttpStatusCode.Forbidden)]
    [InlineData("sk-operator", HttpStatusCode.Forbidden)]
    public async Task Content_OtherRolesThanOwners_AreRefusedAndRecorded(string key, HttpStatusCode status)
    {
        await using var host = await GatewayHost.Start();
        host.Grains.TurnLog.Reports["t"] = Report("t", "acme");

        using var response = await Send(host, key, "GET", "/admin/v1/turns/t?content=true");

        Assert.Equal(status, response.StatusCode);
        Assert.Equal(("inspectTurn", "permission_denied"), host.Grains.Audit.Entries.Select(entry => (entry.Action, entry.Outcome)).Single());
    }

    [Fact]
    public async Task Cancel_TurnThatHasEnded_IsAConflict()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.TurnLog.Reports["t"] = Report("t", "acme");

        using var response = await Send(host, "sk-operator", "DELETE", "/admin/v1/turns/t");

        Assert.Equal(HttpStatusCode.Conflict, response.StatusCode);
        Assert.Empty(host.Grains.Audit.Entries);
    }

    [Fact]
    public async Task Keys_AreListedWithoutHashes()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Usage.LastUsed["test"] = At;

        using var response = await Send(host, "sk-viewer", "GET", "/admin/v1/tenants/acme/keys");

        var text = await response.Content.ReadAsStringAsync();
        Assert.Equal(
            ["admin owner", "operator operator", "tenant-admin tenant_admin", "test ", "viewer viewer"],
            JsonNode.Parse(text)!["data"]!.AsArray().Select(key => $"{key!["name"]} {key["role"]}"));
        var used = Assert.Single(JsonNode.Parse(text)!["data"]!.AsArray(), key => key!["last_used_at"] is not null)!;
        Assert.Equal(("test", At.UtcDateTime), ((string?)used["name"], (DateTime)used["last_used_at"]!));
        Assert.All(host.Grains.Fleet.Keys.Keys, hash => Assert.DoesNotContain(hash, text, StringComparison.Ordinal));
    }

    private const string Payment = """{"id":"p","amount":2.5,"at":"2020-01-01T00:00:00Z","note":"invoice 7"}""";

    private static TurnSnapshot Turn(string id) => new(id, TurnStatus.Completed, "bot", "talk", At, At, [], [], Cursor.Start, null);

    private static TurnReport Report(string id, string tenant) => new(
        new TurnRow
        {
            Id = 1, Version = 1, TurnId = id, TenantId = tenant, Model = "bot", Status = TurnStatus.Completed, CreatedAt = At, EndedAt = At.AddSeconds(9),
            Attempts = 3, Details = [],
        },
        [
            new("b1", "a1", "coze", At.AddSeconds(1)) { EndedAt = At.AddSeconds(2), Error = ErrorCode.UpstreamFailed },
            new("b2", "a2", "coze", At.AddSeconds(3)) { FirstTextAt = At.AddSeconds(4) },
        ]);

    private static async Task<HttpResponseMessage> Send(GatewayHost host, string key, string method, string path, string? body = null)
    {
        using var http = new HttpClient { BaseAddress = host.Http.BaseAddress };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = body is null ? null : GatewayHost.Json(body) };
        return await http.SendAsync(request);
    }
}
