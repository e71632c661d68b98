using System.Net;
using System.Text.Json;
using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Surfaces.Chat;
using CozeCluster.Gateway.Surfaces.Embeddings;
using CozeCluster.Gateway.Surfaces.Images;
using CozeCluster.Gateway.Tests.Fakes;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Tests.Surfaces.OpenApi;

public sealed class ApiDocumentTests
{
    [Fact]
    public async Task Document_describes_every_route_and_every_field()
    {
        await using var host = await GatewayHost.Start();
        using var http = new HttpClient { BaseAddress = host.Http.BaseAddress };
        var document = JsonDocument.Parse(await http.GetStringAsync("/openapi/v1.json")).RootElement;

        var operations = document.GetProperty("paths").EnumerateObject()
            .Where(path => !path.Name.StartsWith("/admin/v1/", StringComparison.Ordinal))
            .SelectMany(path => path.Value.EnumerateObject().Select(operation => $"{operation.Name.ToUpperInvariant()} {path.Name}")).Order();
        Assert.Equal(
            [
                "DELETE /cozecluster/v1/conversations/{name}", "DELETE /v1/turns/{id}", "GET /admin/health", "GET /cozecluster/v1/conversations",
                "GET /cozecluster/v1/conversations/{name}", "GET /dashboard/billing/subscription", "GET /dashboard/billing/usage", "GET /metrics",
                "GET /v1/attachments/{id}/{name}", "GET /v1/dashboard/billing/subscription", "GET /v1/dashboard/billing/usage",
                "GET /v1/models", "GET /v1/models/{id}", "GET /v1/turns/{id}",
                "GET /v1/turns/{id}/events", "POST /cozecluster/v1/conversations/{name}", "POST /v1/chat/completions", "POST /v1/embeddings",
                "POST /v1/images/generations", "POST /v1/moderations",
            ],
            operations);
        var chat = document.GetProperty("paths").GetProperty("/v1/chat/completions").GetProperty("post");
        var body = chat.GetProperty("requestBody").GetProperty("content").GetProperty("application/json");
        var fields = body.GetProperty("schema").GetProperty("properties");
        Assert.Equal(ChatFields.Table.Fields.Select(field => field.Name).Order(), fields.EnumerateObject().Select(field => field.Name).Order());
        Assert.Equal(JsonValueKind.Object, document.GetProperty("components").GetProperty("securitySchemes").GetProperty("bearer").ValueKind);
        var patterns = host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(route => route.Metadata.GetMetadata<CompatRoute>() is null)
            .Select(route => route.RoutePattern.RawText!.Replace("**", "", StringComparison.Ordinal))
            .Where(pattern => pattern.Contains("/v1/", StringComparison.Ordinal));
        Assert.All(patterns, pattern => Assert.True(document.GetProperty("paths").TryGetProperty(pattern, out _)));
    }

    [Fact]
    public async Task Page_is_served_unless_it_is_turned_off()
    {
        await using var host = await GatewayHost.Start();
        Assert.Contains("swagger-ui", await host.Http.GetStringAsync("/swagger/index.html"), StringComparison.Ordinal);
        var scripts = await host.Http.GetStringAsync("/swagger/swagger-initializer.js") + await host.Http.GetStringAsync("/swagger/index.js");
        Assert.Contains("openapi/v1.json", scripts, StringComparison.Ordinal);

        await using var without = await GatewayHost.Start(options => options.Swagger = false);
        Assert.Equal(HttpStatusCode.NotFound, (await without.Http.GetAsync("/swagger/index.html")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await without.Http.GetAsync("/openapi/v1.json")).StatusCode);
    }

    [Fact]
    public void Documentation_lists_every_field_of_the_tables()
    {
        var text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "openai-api.md"));
        Assert.All(
            [.. ChatFields.Table.Fields, .. ImageFields.Table.Fields, .. EmbeddingFields.Table.Fields, .. ModerationFields.Table.Fields],
            field => Assert.Contains($"| `{field.Name}` | {field.Use} | {field.Type} | {field.Note} |", text, StringComparison.Ordinal));
    }
}
