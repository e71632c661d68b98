using System.Reflection;
using CozeCluster.Gateway.Surfaces.Admin;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Surfaces.OpenApi;

/// <summary>Serves the OpenAPI document at <c>/openapi/v1.json</c> and its web page at <c>/swagger</c>.</summary>
internal static class ApiDocument
{
    private const string Name = "v1";
    private const string Bearer = "bearer";

    public static void Add(IServiceCollection services) => services.AddOpenApi(Name, options => options
        .AddDocumentTransformer(AddGeneralInformation).AddSchemaTransformer(AdminSchemas.DescribeContent));

    public static void Map(WebApplication app)
    {
        app.MapOpenApi("/openapi/{documentName}.json");
        app.UseWhen(
            static context => context.Request.Path.StartsWithSegments("/swagger", StringComparison.OrdinalIgnoreCase),
            static branch => branch.UseSwaggerUI(page =>
            {
                page.RoutePrefix = "swagger";
                page.DocumentTitle = "CozeCluster";
                page.SwaggerEndpoint($"../openapi/{Name}.json", "CozeCluster");
            }));
    }

    /// <summary>Adds a route to the document.</summary>
    /// <param name="route">The route.</param>
    /// <param name="handler">The method that handles requests. Without it, ASP.NET leaves the route out of the document.</param>
    /// <param name="tag">The group of the operation.</param>
    /// <param name="operationId">The operation id.</param>
    /// <param name="summary">What the operation does.</param>
    /// <param name="describe">Adds parameters, bodies and responses.</param>
    public static IEndpointConventionBuilder Describe(
        this IEndpointConventionBuilder route, MethodInfo handler, string tag, string operationId, string summary, Action<OpenApiOperation> describe) =>
        route.WithMetadata(handler).WithMetadata(new TagsAttribute(tag)).AddOpenApiOperationTransformer((operation, _, _) =>
        {
            operation.OperationId = operationId;
            operation.Summary = summary;
            operation.Responses = [];
            describe(operation);
            operation.Responses.Add("default", Schemas.Json("An error.", Schemas.Error()));
            return Task.CompletedTask;
        });

    private static Task AddGeneralInformation(
        OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new OpenApiInfo
        {
            Title = "CozeCluster",
            Version = Name,
            Description = "An OpenAI-compatible API for bots. Replies have an additional object, `cozecluster`.",
        };
        FleetSchemas.AddTo(document);
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>();
        document.Components.SecuritySchemes[Bearer] =
            new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = Bearer, Description = "An API key of your tenant." };
        document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Bearer, document)] = [] }];
        return Task.CompletedTask;
    }
}
