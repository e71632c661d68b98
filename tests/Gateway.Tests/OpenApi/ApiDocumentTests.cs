using System.Net;
using System.Text.Json;
using CozeCluster.Gateway.Chat;
using CozeCluster.Gateway.Images;
using CozeCluster.Gateway.Tests.Fakes;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Tests.OpenApi;

public sealed class ApiDocumentTests
{
    [Fact]
    public async Task The_document_describes_every_route_and_every_field()
    {
        await using var host = await GatewayHost.Start();
        using var http = new HttpClient { BaseAddress = host.Http.BaseAddress };
        var document = JsonDocument.Parse(await http.GetStringAsync("/openapi/v1.json")).RootElement;

        var operations = document.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(operation => $"{operation.Name.ToUpperInvariant()} {path.Name}")).Order();
        Assert.Equal(
            [
                "DELETE /v1/conversations/{name}", "DELETE /v1/turns/{id}", "GET /admin/health", "GET /metrics", "GET /v1/conversations", "GET /v1/conversations/{name}", "GET /v1/models", "GET /v1/models/{id}",
                "GET /v1/turns/{id}", "GET /v1/turns/{id}/events", "POST /v1/chat/completions", "POST /v1/conversations/{name}", "POST /v1/images/generations",
            ],
            operations);
        var chat = document.GetProperty("paths").GetProperty("/v1/chat/completions").GetProperty("post");
        var fields = chat.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("schema").GetProperty("properties");
        Assert.Equal(ChatFields.All.Select(field => field.Name).Order(), fields.EnumerateObject().Select(field => field.Name).Order());
        Assert.Equal(JsonValueKind.Object, document.GetProperty("components").GetProperty("securitySchemes").GetProperty("bearer").ValueKind);
        Assert.All(
            host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().Where(route => route.RoutePattern.RawText!.StartsWith("/v1/", StringComparison.Ordinal)),
            route => Assert.True(document.GetProperty("paths").TryGetProperty(route.RoutePattern.RawText!.Replace("**", "", StringComparison.Ordinal), out _)));
    }

    [Fact]
    public async Task The_page_is_served_unless_turned_off()
    {
        await using var host = await GatewayHost.Start();
        Assert.Contains("swagger-ui", await host.Http.GetStringAsync("/swagger/index.html"), StringComparison.Ordinal);
        Assert.Contains("openapi/v1.json", await host.Http.GetStringAsync("/swagger/swagger-initializer.js") + await host.Http.GetStringAsync("/swagger/index.js"), StringComparison.Ordinal);

        await using var without = await GatewayHost.Start(options => options.Swagger = false);
        Assert.Equal(HttpStatusCode.NotFound, (await without.Http.GetAsync("/swagger/index.html")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await without.Http.GetAsync("/openapi/v1.json")).StatusCode);
    }

    [Fact]
    public void Documentation_lists_every_field_as_the_table_has_it()
    {
        var text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "openai-api.md"));
        Assert.All([.. ChatFields.All, .. ImageFields.All], field => Assert.Contains($"| `{field.Name}` | {field.Use} | {field.Type} | {field.Note} |", text, StringComparison.Ordinal));
    }
}
