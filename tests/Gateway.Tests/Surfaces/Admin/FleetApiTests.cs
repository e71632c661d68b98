using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Admin;

/// <summary>How the routes of the fleet read requests and answer them. The catalog is a fake.</summary>
public sealed class FleetApiTests
{
    private const string Keys = "/admin/v1/fleet/tenants/acme/keys";

    [Theory]
    [InlineData("""{}""", "name")]
    [InlineData("""{"name": 7}""", "name")]
    [InlineData("""{"name": ""}""", "name")]
    [InlineData("""{"name": " app"}""", "name")]
    [InlineData("""{"name": "a\u0007b"}""", "name")]
    [InlineData("""{"name": "a", "name": "b"}""", "name")]
    [InlineData("""{"name": "a", "limits": {"daily": {}, "daily": {}}}""", "daily")]
    [InlineData("""{"name": "\ud800"}""", null)]
    [InlineData("""{"name": "a", "\ud800": 1}""", null)]
    [InlineData("""{"name": "a", "models": ["\ud800"]}""", null)]
    public async Task CreateKey_InvalidBody_IsRefusedAndNotRecorded(string body, string? field)
    {
        await using var host = await GatewayHost.Start();

        using var response = await Send(host, "POST", Keys, body);

        Assert.Equal((HttpStatusCode.BadRequest, field), (response.StatusCode, (string?)(await Read(response))["field"]));
        Assert.Empty(host.Grains.Audit.Entries);
        Assert.Empty(host.Grains.Catalog.Edits);
    }

    [Fact]
    public async Task CreateKey_NameOfAMegabyte_IsRefusedAndNotRecorded()
    {
        await using var host = await GatewayHost.Start();

        using var response = await Send(host, "POST", Keys, $$"""{"name": "{{new string('a', 1_000_000)}}"}""");

        Assert.Equal((HttpStatusCode.BadRequest, "name"), (response.StatusCode, (string?)(await Read(response))["field"]));
        Assert.Empty(host.Grains.Audit.Entries);
    }

    [Fact]
    public async Task PutKey_LongName_IsRefusedAndNotRecorded()
    {
        await using var host = await GatewayHost.Start();

        using var response = await Send(host, "PUT", $"{Keys}/{new string('a', 101)}", "{}", ifMatch: "*");

        Assert.Equal((HttpStatusCode.BadRequest, "name"), (response.StatusCode, (string?)(await Read(response))["field"]));
        Assert.Empty(host.Grains.Audit.Entries);
    }

    [Fact]
    public async Task Change_LongId_IsCutInTheAuditLog()
    {
        await using var host = await GatewayHost.Start();

        using var response = await Send(host, "DELETE", $"/admin/v1/fleet/bots/{new string('a', 300)}", ifMatch: "*");

        Assert.Equal(new string('a', AuditEntry.MaxItemId), Assert.Single(host.Grains.Audit.Entries).ItemId);
    }

    [Fact]
    public async Task CreateKey_OutcomeCannotBeStored_AnswersWithTheKey()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Audit.CompleteFault = new ClusterException(ErrorCode.CallRejected, "The database cannot be reached.");

        using var response = await Send(host, "POST", Keys, """{"name": "web site"}""");

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal($"{Keys}/web%20site", response.Headers.Location?.OriginalString);
        Assert.StartsWith("ccl_", (string?)(await Read(response))["key"], StringComparison.Ordinal);
        Assert.Equal(AuditEntry.UnknownOutcome, Assert.Single(host.Grains.Audit.Entries).Outcome);
        Assert.Contains(host.Log.Lines, line => line.StartsWith("Warning The outcome ok could not be stored", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("a%2541", "a%41")]
    [InlineData("a%252Fb", "a%2Fb")]
    [InlineData("a%2Fb", "a/b")]
    [InlineData("caf%C3%A9", "caf\u00e9")]
    public async Task Path_IsDecodedOnce(string segment, string id)
    {
        await using var host = await GatewayHost.Start();

        using var response = await Send(host, "DELETE", $"/admin/v1/fleet/models/{segment}?allow_user_accounts=false", ifMatch: "*");
        using var key = await Send(host, "DELETE", $"{Keys}/{segment}", ifMatch: "*");

        Assert.Equal([new(FleetItemKind.Model, id), FleetItemId.Key("acme", id)], host.Grains.Catalog.Edits.Select(edit => edit.Item));
    }

    [Fact]
    public async Task Put_OfSomethingNew_IsCreated()
    {
        await using var host = await GatewayHost.Start();

        using var made = await Send(host, "PUT", "/admin/v1/fleet/models/team%2Fbot", "{}", ifNoneMatch: "*");
        using var replaced = await Send(host, "PUT", "/admin/v1/fleet/models/team%2Fbot", "{}", ifMatch: "\"7\"");

        Assert.Equal((HttpStatusCode.Created, "/admin/v1/fleet/models/team%2Fbot"), (made.StatusCode, made.Headers.Location?.OriginalString));
        Assert.Equal((HttpStatusCode.OK, null), (replaced.StatusCode, replaced.Headers.Location));
    }

    [Theory]
    [InlineData("PATCH", "/admin/v1/fleet/bots/b", "application/merge-patch+json", """{"task": null}""")]
    [InlineData("PATCH", "/admin/v1/fleet/bots/b", "application/json", """{"task": null}""")]
    [InlineData("POST", "/admin/v1/fleet/import", "application/json", "{}")]
    [InlineData("POST", "/admin/v1/fleet/import", "application/yaml", "bots: []")]
    [InlineData("POST", "/admin/v1/fleet/import", "text/yaml", "bots: []")]
    [InlineData("POST", "/admin/v1/fleet/import", "text/plain", "bots: []")]
    public async Task Body_OfEachMediaType_IsAccepted(string method, string path, string type, string body)
    {
        await using var host = await GatewayHost.Start();

        using var response = await Send(host, method, path, body, ifMatch: "*", type: type);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal([body], host.Grains.Catalog.Edits.Select(edit => edit.Json).Concat(host.Grains.Catalog.Documents.Select(document => document.Text)));
    }

    [Theory]
    [InlineData("POST", "/admin/v1/fleet/import", "*", 400, "If-None-Match")]
    [InlineData("POST", "/admin/v1/fleet/import", null, 428, "If-Match")]
    [InlineData("PATCH", "/admin/v1/fleet/bots/b", "*", 400, "If-None-Match")]
    [InlineData("PUT", "/admin/v1/fleet/bots/b", "\"7\"", 400, "If-None-Match")]
    [InlineData("PUT", "/admin/v1/fleet/bots/b", null, 428, "If-Match")]
    public async Task Condition_ThatARouteDoesNotHave_IsRefused(string method, string path, string? ifNoneMatch, int status, string field)
    {
        await using var host = await GatewayHost.Start();

        using var response = await Send(host, method, path, "{}", ifNoneMatch: ifNoneMatch);

        Assert.Equal((status, field), ((int)response.StatusCode, (string?)(await Read(response))["field"]));
        Assert.Empty(host.Grains.Catalog.Documents);
        Assert.Empty(host.Grains.Catalog.Edits);
    }

    [Fact]
    public async Task ExportWithSecrets_ByOthersThanOwners_IsRefusedAndRecorded()
    {
        await using var host = await GatewayHost.Start();

        using var response = await Send(host, "GET", "/admin/v1/fleet?secrets=true", key: "sk-operator");

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Equal(
            ("operator", "exportFleet", "permission_denied"),
            host.Grains.Audit.Entries.Select(entry => (entry.Actor.KeyName, entry.Action, entry.Outcome)).Single());
    }

    [Fact]
    public async Task Document_DeclaresStatusesAndTypes()
    {
        await using var host = await GatewayHost.Start();

        var document = JsonNode.Parse(await host.Http.GetStringAsync("/openapi/v1.json"))!;
        var paths = document["paths"]!;

        Assert.Equal(["201", "default"], Names(paths["/admin/v1/fleet/tenants/{tenant}/keys"]!["post"]!["responses"]));
        Assert.Equal(["200", "201", "default"], Names(paths["/admin/v1/fleet/bots/{id}"]!["put"]!["responses"]));
        Assert.Equal(
            ["application/json", "application/merge-patch+json"], Names(paths["/admin/v1/fleet/bots/{id}"]!["patch"]!["requestBody"]!["content"]));
        var export = paths["/admin/v1/fleet"]!["get"]!["responses"]!["200"]!["content"]!["application/json"]!["schema"]!;
        if ((string?)export["$ref"] is { } reference) export = document["components"]!["schemas"]![reference.Split('/')[^1]]!;
        Assert.Equal("object", (string?)export["type"]);
    }

    private static IEnumerable<string> Names(JsonNode? node) => node!.AsObject().Select(member => member.Key).Order(StringComparer.Ordinal);

    private static async Task<JsonNode> Read(HttpResponseMessage response) => JsonNode.Parse(await response.Content.ReadAsStringAsync())!;

    private static async Task<HttpResponseMessage> Send(
        GatewayHost host, string method, string path, string? body = null, string? ifMatch = null, string? ifNoneMatch = null,
        string type = "application/json", string key = "sk-admin")
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, type);
        if (ifMatch is not null) request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        if (ifNoneMatch is not null) request.Headers.TryAddWithoutValidation("If-None-Match", ifNoneMatch);
        return await host.Http.SendAsync(request);
    }
}
