using System.Text.Json.Nodes;
using CozeCluster.Silo.Fleets.Documents;
using CozeCluster.Silo.Tests.Node;

namespace CozeCluster.Silo.Tests.Documents;

/// <summary>The OpenAPI document describes every member that a thing of the fleet may have, and which operations take and show which thing.</summary>
public sealed class FleetSchemaTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("node-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Document_DescribesTheFleetAndItsVersions()
    {
        await using var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0");
        using var http = new HttpClient { BaseAddress = await node.Address() };
        var document = JsonNode.Parse(await http.GetStringAsync("/openapi/v1.json"))!.AsObject();
        var schemas = document["components"]!["schemas"]!;

        var fleet = new FleetDocuments(FullFleet.Seal).Write(FullFleet.Read(FullFleet.Text), withSecrets: false);
        Assert.Equal([], Unknown(JsonNode.Parse(fleet)!, schemas["Fleet"]!, schemas, "fleet"));

        foreach (var (path, name) in new[]
        {
            ("tenants/{id}", "FleetTenant"), ("tenants/{tenant}/keys/{name}", "FleetKey"), ("accounts/{id}", "FleetAccount"),
            ("listeners/{id}", "FleetListener"), ("bots/{id}", "FleetBot"), ("models/{id}", "FleetModel"), ("settings", "FleetSettings"),
        })
        {
            var operations = document["paths"]![$"/admin/v1/fleet/{path}"]!;
            foreach (var method in (string[])["get", "put", "patch", "delete"])
            {
                Assert.Contains($"/{name}\"", operations[method]!.ToJsonString(), StringComparison.Ordinal);
                Assert.NotNull(operations[method]!["responses"]!["200"]!["headers"]!["ETag"]);
            }
            Assert.Contains($"/{name}\"", operations["put"]!["requestBody"]!.ToJsonString(), StringComparison.Ordinal);
            Assert.Equal(["If-Match", "If-None-Match"], Headers(operations["put"]!));
            Assert.Equal(["If-Match required"], Headers(operations["patch"]!));
        }
        Assert.Contains("/Fleet\"", document["paths"]!["/admin/v1/fleet"]!["get"]!["responses"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Contains("/Fleet\"", document["paths"]!["/admin/v1/fleet/import"]!["post"]!["requestBody"]!.ToJsonString(), StringComparison.Ordinal);
        foreach (var type in (string[])["AdminTurnDetails", "AdminConversationTurn"])
            Assert.NotNull(schemas[type]!["properties"]!["content"]!["properties"]!["messages"]);
        var payment = schemas["AdminNewPayment"]!;
        Assert.DoesNotContain("string", payment["properties"]!["amount"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(["amount", "at", "id"], payment["required"]!.AsArray().Select(name => (string)name!).Order());
    }

    private static IEnumerable<string> Headers(JsonNode operation) => operation["parameters"]!.AsArray()
        .Where(parameter => (string?)parameter!["in"] == "header")
        .Select(parameter => (string)parameter!["name"]! + (parameter["required"]?.GetValue<bool>() == true ? " required" : ""));

    /// <summary>The members of a value that its schema does not have.</summary>
    private static IEnumerable<string> Unknown(JsonNode value, JsonNode schema, JsonNode schemas, string path)
    {
        while ((string?)schema["$ref"] is { } reference) schema = schemas[reference.Split('/')[^1]]!;
        if (schema["oneOf"] is JsonArray choices) schema = choices.Single(choice => (string?)choice!["type"] == (value is JsonObject ? "object" : "string"))!;
        switch (value)
        {
            case JsonObject members when schema["properties"] is JsonObject known:
                return members.SelectMany(member =>
                    known[member.Key] is { } of ? Unknown(member.Value!, of, schemas, $"{path}.{member.Key}") : [$"{path}.{member.Key}"]);
            case JsonObject:
                return schema["additionalProperties"] is null ? [path] : [];
            case JsonArray items:
                return schema["items"] is { } item ? items.SelectMany(one => Unknown(one!, item, schemas, path)) : [path];
            default:
                var type = (string?)schema["type"];
                return type == value.GetValueKind() switch
                {
                    System.Text.Json.JsonValueKind.String => "string",
                    System.Text.Json.JsonValueKind.Number => type == "number" ? "number" : "integer",
                    _ => "boolean",
                } ? [] : [path];
        }
    }
}
