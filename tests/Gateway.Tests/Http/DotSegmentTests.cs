using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Http;

/// <summary>A path with dot segments leads to another thing than it names, so it is refused; a name that has some is in the query.</summary>
public sealed class DotSegmentTests
{
    private const string Keys = "/admin/v1/fleet/tenants/acme/keys";

    [Theory]
    [InlineData("DELETE", "/admin/v1/conversations/evil/x/../../acme/victim")]
    [InlineData("DELETE", Keys + "/..")]
    [InlineData("DELETE", Keys + "/.")]
    [InlineData("DELETE", Keys + "/%2e%2e")]
    [InlineData("DELETE", Keys + "/.%2E")]
    [InlineData("DELETE", Keys + "/./app")]
    [InlineData("DELETE", Keys + "/x/..")]
    [InlineData("DELETE", Keys + "/..?name=app")]
    [InlineData("DELETE", "http://node" + Keys + "/%2e%2e")]
    [InlineData("DELETE", "http://node/../admin/v1/fleet/models/m")]
    [InlineData("GET", "/v1/models/..")]
    [InlineData("GET", "/v1/files/../models")]
    [InlineData("DELETE", "/cozecluster/v1/conversations/%2e%2e")]
    [InlineData("GET", "/nothing/../here")]
    public async Task Target_WithDotSegments_IsRefused(string method, string target)
    {
        await using var host = await GatewayHost.Start();

        Assert.StartsWith("HTTP/1.1 400 ", await Exchange(host, method, target), StringComparison.Ordinal);

        Assert.Empty(host.Grains.Catalog.Edits);
        Assert.Empty(host.Grains.Audit.Entries);
    }

    [Theory]
    [InlineData("/v1/models?after=/../x")]
    [InlineData("http://node/v1/models")]
    [InlineData("/v1/models/team%2Fbot%201")]
    [InlineData("/v1/models/team/bot%201")]
    [InlineData("/v1/v1/models/team%2Fbot%201")]
    [InlineData("/old/v1/models/team%2Fbot%201")]
    [InlineData("/v1/models/-?id=team/bot%201")]
    public async Task Target_WithoutDotSegments_IsAnswered(string target)
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Fleet.Endpoints = new FleetEndpoints([new EndpointDefinition { Id = "old", Path = "/old" }], HasCompatKeys: false);

        var answer = await Exchange(host, "GET", target);

        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
        Assert.Contains("\"team/bot 1\"", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Keys + "/-?name=..", FleetItemKind.Key, "acme/..")]
    [InlineData(Keys + "/-", FleetItemKind.Key, "acme/-")]
    [InlineData(Keys + "/a?name=..", FleetItemKind.Key, "acme/a")]
    [InlineData(Keys + "/a%2F..%2Fb", FleetItemKind.Key, "acme/a/../b")]
    [InlineData("/admin/v1/fleet/models/-?id=..", FleetItemKind.Model, "..")]
    [InlineData("/admin/v1/fleet/models/a%2F..%2Fb", FleetItemKind.Model, "a/../b")]
    [InlineData("/admin/v1/fleet/models/%252e%252e", FleetItemKind.Model, "%2e%2e")]
    public async Task Name_WithDotSegments_CanBeDeleted(string target, FleetItemKind kind, string id)
    {
        await using var host = await GatewayHost.Start();

        Assert.StartsWith("HTTP/1.1 200 ", await Exchange(host, "DELETE", target), StringComparison.Ordinal);

        Assert.Equal(new FleetItemId(kind, id), Assert.Single(host.Grains.Catalog.Edits).Item);
    }

    [Theory]
    [InlineData("..")]
    [InlineData("x/../../acme/victim")]
    [InlineData("x\\..\\y")]
    public async Task Conversation_WithDotSegmentsInItsName_IsNotBegun(string name)
    {
        await using var host = await GatewayHost.Start();

        using var inBody = await host.Chat(GatewayHost.Body($",\"conversation_id\":{JsonValue.Create(name).ToJsonString()}"));
        using var inHeader = await host.Stream(change: request => request.Headers.Add("x-conversation-id", name));

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.BadRequest), (inBody.StatusCode, inHeader.StatusCode));
        var error = JsonNode.Parse(await inBody.Content.ReadAsStringAsync())!["error"]!;
        Assert.Equal("conversation_id", (string?)error["param"]);
    }

    [Fact]
    public async Task Conversation_WithDotSegmentsInItsName_CanBeDeletedByItsTenant()
    {
        await using var host = await GatewayHost.Start();

        using var response = await host.Http.DeleteAsync("/cozecluster/v1/conversations/-?name=..");

        Assert.Equal("..", (string?)JsonNode.Parse(await response.Content.ReadAsStringAsync())!["id"]);
    }

    /// <summary>Sends a request whose target no client has changed.</summary>
    private static async Task<string> Exchange(GatewayHost host, string method, string target)
    {
        var key = target.Contains("/admin/", StringComparison.Ordinal) ? "sk-admin" : "sk-test";
        using var socket = new TcpClient();
        await socket.ConnectAsync(host.Http.BaseAddress!.Host, host.Http.BaseAddress.Port);
        var stream = socket.GetStream();
        var request = $"{method} {target} HTTP/1.1\r\nHost: node\r\nAuthorization: Bearer {key}\r\nIf-Match: *\r\nConnection: close\r\n\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return await reader.ReadToEndAsync();
    }
}
