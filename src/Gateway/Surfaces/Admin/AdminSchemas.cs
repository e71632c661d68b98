using System.Reflection;
using CozeCluster.Gateway.Surfaces.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary>
/// Describes operations of the admin API in the OpenAPI document. The generator describes bodies by their types, and <see cref="FleetSchemas"/> what is JSON
/// of a fleet file in them.
/// </summary>
internal static class AdminSchemas
{
    public static void Describe(this IEndpointConventionBuilder route, MethodInfo handler, AdminOperation described) =>
        route.WithMetadata(handler).WithMetadata(new TagsAttribute("Admin")).AddOpenApiOperationTransformer((operation, context, _) =>
        {
            operation.OperationId = described.Id;
            operation.Summary = described.Summary;
            operation.Parameters ??= [];
            foreach (var part in described.Pattern.Split('/').Where(part => part.StartsWith('{')))
                operation.Parameters.Add(Schemas.Path(part.Trim('{', '}', '*'), "The id."));
            foreach (var (name, description) in described.Query) operation.Parameters.Add(Schemas.Query(name, Schemas.String(description)));
            if (described.IsList)
            {
                var limit = $"The largest number of items, 1 to {AdminCall.MaxLimit}. Default {AdminCall.DefaultLimit}.";
                operation.Parameters.Add(Schemas.Query("limit", Schemas.Integer(limit)));
                operation.Parameters.Add(Schemas.Query("after", Schemas.String("The value of next in the page before.")));
            }
            DescribeTags(operation, described);
            operation.Responses ??= [];
            if (described.Schema is { } schema) DescribeFleet(operation, described, new OpenApiSchemaReference(schema, context.Document));
            operation.Responses["default"] = new OpenApiResponse
            {
                Description = "An error.", Content = Schemas.Content(AdminErrors.MediaType, Schemas.Problem()),
            };
            return Task.CompletedTask;
        });

    /// <summary>Describes the prompts and replies in answers, which their types have as any JSON.</summary>
    public static Task DescribeContent(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        var type = context.JsonTypeInfo.Type;
        if (type == typeof(AdminTurnDetails) || type == typeof(AdminConversationTurn))
            schema.Properties!["content"] = Schemas.TurnWithPrompt();
        return Task.CompletedTask;
    }

    private static void DescribeTags(OpenApiOperation operation, AdminOperation described)
    {
        if (described.HasTag)
        {
            var exception = described.TagException is { } text ? $" Not needed {text}." : "";
            var match = Schemas.Header("If-Match", "The ETag of the version that the change replaces, or * for any version." + exception);
            match.Required = described.TagException is null;
            operation.Parameters!.Add(match);
        }
        if (described is { HasTag: true, Method: "PUT" })
            operation.Parameters!.Add(Schemas.Header("If-None-Match", "*: only makes the thing, and fails if it exists. In place of If-Match."));
        if (!described.ReturnsTag) return;
        foreach (var response in operation.Responses?.Values.OfType<OpenApiResponse>() ?? [])
        {
            response.Headers ??= new Dictionary<string, IOpenApiHeader>();
            response.Headers["ETag"] = new OpenApiHeader { Description = "The version that the answer shows, for If-Match.", Schema = Schemas.String() };
        }
    }

    private static void DescribeFleet(OpenApiOperation operation, AdminOperation described, OpenApiSchemaReference thing)
    {
        IOpenApiSchema body = thing;
        if (described.Method is "PUT" or "POST" && FleetSchemas.RequiredOf(described.Schema!) is { Count: > 0 } required)
            body = new OpenApiSchema { AllOf = [thing, new OpenApiSchema { Required = required.ToHashSet() }] };
        foreach (var content in operation.RequestBody?.Content?.Values ?? []) content.Schema = body;
        var shown = Schemas.Object(null, ("content", thing));
        foreach (var content in operation.Responses!.Values.SelectMany(response => response.Content?.Values ?? []))
        {
            content.Schema = described switch
            {
                { Schema: FleetSchemas.Document, Method: "GET" } => thing,
                { Schema: FleetSchemas.Document } => content.Schema,
                { IsList: true } => With(content.Schema, ("data", Schemas.Array(shown))),
                { Makes: true } => With(content.Schema, ("item", shown)),
                _ => new OpenApiSchema { AllOf = [content.Schema!, shown] },
            };
        }
    }

    private static OpenApiSchema With(IOpenApiSchema? schema, (string, IOpenApiSchema) member) => new() { AllOf = [schema!, Schemas.Object(null, member)] };
}
