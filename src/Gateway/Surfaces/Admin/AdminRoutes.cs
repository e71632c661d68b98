using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary>An operation of the admin API.</summary>
/// <param name="Method">The HTTP method.</param>
/// <param name="Pattern">The path after <see cref="AdminApi.Prefix"/>.</param>
/// <param name="MinimumRole">See <see cref="AdminRoute.MinimumRole"/>.</param>
/// <param name="Id">The id of the operation in the OpenAPI document and in the audit log.</param>
/// <param name="Summary">What it does.</param>
internal sealed record AdminOperation(string Method, string Pattern, AdminRole MinimumRole, string Id, string Summary)
{
    /// <summary>See <see cref="AdminRoute.TenantAdmins"/>. The handler must ask <see cref="AdminCall.Sees"/> for whatever it shows or changes.</summary>
    public bool TenantAdmins { get; init; }

    /// <summary>The parameters in the query, besides those of a list.</summary>
    public IReadOnlyList<(string Name, string Description)> Query { get; init; } = [];

    /// <summary>Whether the answer is a page of a list, so that there are the parameters <c>limit</c> and <c>after</c>.</summary>
    public bool IsList { get; init; }

    /// <summary>Whether the client must send <c>If-Match</c>.</summary>
    public bool HasTag { get; init; }

    /// <summary>When <c>If-Match</c> may be missing although <see cref="HasTag"/>; null: never.</summary>
    public string? TagException { get; init; }

    /// <summary>Whether the answer has an <c>ETag</c>.</summary>
    public bool ReturnsTag { get; init; }

    /// <summary>Whether the answer has the thing as <c>item</c>, beside a key that was made.</summary>
    public bool Makes { get; init; }

    /// <summary>
    /// The schema of the things in <see cref="FleetSchemas"/> that the operation is about: it describes the body, and the members <c>content</c> of the answer.
    /// </summary>
    public string? Schema { get; init; }

    /// <summary>The type of the request's body; null without one.</summary>
    public Type? Body { get; init; }

    /// <summary>The media types of the request's body. Default: JSON.</summary>
    public IReadOnlyList<string> BodyTypes { get; init; } = ["application/json"];

    /// <summary>The statuses of answers, except errors. Default: 200.</summary>
    public IReadOnlyList<int> Statuses { get; init; } = [StatusCodes.Status200OK];
}

/// <summary>Maps the operations of the admin API: each with the roles that may use it and its description, and with one way to answer.</summary>
internal sealed class AdminRoutes(IEndpointRouteBuilder routes)
{
    private const string Json = "application/json";

    /// <summary>Maps an operation that answers with JSON. Its handler sets the status if it is not 200.</summary>
    public void Map<T>(AdminOperation operation, JsonTypeInfo<T> json, Func<AdminCall, Task<T>> handler) =>
        Map(operation, [.. operation.Statuses.Select(status => new ProducesResponseTypeMetadata(status, typeof(T), [Json]))], async call =>
        {
            var answer = await handler(call);
            CheckAudited(operation, call);
            await JsonBody.Write(call.Context, (answer, json), static (writer, value) => JsonSerializer.Serialize(writer, value.answer, value.json));
        });

    /// <summary>Maps an operation that answers with status 204.</summary>
    public void Map(AdminOperation operation, Func<AdminCall, Task> handler) =>
        Map(operation, [new ProducesResponseTypeMetadata(StatusCodes.Status204NoContent, typeof(void))], async call =>
        {
            await handler(call);
            CheckAudited(operation, call);
            call.Context.Response.StatusCode = StatusCodes.Status204NoContent;
        });

    /// <summary>Maps an operation whose handler writes the JSON of the answer itself, status 200.</summary>
    public void MapJson<T>(AdminOperation operation, Func<AdminCall, Task> handler) =>
        Map(operation, [new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(T), [Json])], async call =>
        {
            call.Context.Response.ContentType = Json;
            call.Context.Response.Headers.CacheControl = "no-store";
            await handler(call);
        });

    /// <summary>Maps an operation whose handler writes the answer itself, status 200: JSON, or a file if the client asks for it.</summary>
    public void MapFile<T>(AdminOperation operation, string mediaType, Func<AdminCall, Task> handler) =>
        Map(operation, [new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(T), [Json, mediaType])], handler);

    private void Map(AdminOperation operation, ProducesResponseTypeMetadata[] produces, Func<AdminCall, Task> handler)
    {
        RequestDelegate answer = context => Answer(operation, new AdminCall(context), handler);
        var route = routes.MapMethods(AdminApi.Prefix + operation.Pattern, [operation.Method], answer)
            .WithMetadata([new AdminRoute(operation.MinimumRole, operation.Id) { TenantAdmins = operation.TenantAdmins }, .. produces]);
        if (operation.Body is { } body) route.WithMetadata(new AcceptsMetadata([.. operation.BodyTypes], body));
        route.Describe(answer.Method, operation);
    }

    private static async Task Answer(AdminOperation operation, AdminCall call, Func<AdminCall, Task> handler)
    {
        try
        {
            await handler(call);
        }
        catch (ClusterException exception) when (exception.Code == ErrorCode.NotFound && call.OnlyTenant is not null && IsChange(operation) && !call.IsAudited)
        {
            // A tenant admin wanted to change what it does not see.
            await call.Context.RequestServices.GetRequiredService<RefusedRequests>().Record(call.Context, exception.Code);
            throw;
        }
    }

    private static bool IsChange(AdminOperation operation) => !HttpMethods.IsGet(operation.Method);

    // A change without an entry in the audit log is a defect of its handler.
    private static void CheckAudited(AdminOperation operation, AdminCall call)
    {
        if (IsChange(operation) && !call.IsAudited)
            throw new InvalidOperationException($"The operation {operation.Id} has changed something without an entry in the audit log.");
    }
}
