using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.OpenApi;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Surfaces.Models;

/// <summary><c>/v1/models</c>: lists and reads the models of a tenant.</summary>
internal static class ModelsApi
{
    private const string Prefix = "/v1/models/";

    public static void MapModels(this IEndpointRouteBuilder routes)
    {
        routes.MapTenant("GET", "/v1/models", List, "Models", "listModels", "Lists the models that you can use.", static operation =>
            operation.Responses!.Add("200", Schemas.Json("The models.", Schemas.List(Schemas.Model()))));
        routes.MapTenant("GET", "/v1/models/{**id}", Read, "Models", "readModel", "Reads a model.", static operation =>
        {
            operation.Parameters = [Schemas.Path("id", "The id of the model. It may contain slashes.")];
            operation.Responses!.Add("200", Schemas.Json("The model.", Schemas.Model()));
        });
    }

    private static async Task List(HttpContext context)
    {
        var key = RequestInfo.KeyOf(context);
        var models = context.RequestServices.GetRequiredService<IFleetView>().ListModels(key.TenantId);
        if (key.Models.Count > 0) models = [.. models.Where(model => key.Allows(model.Id))];
        await JsonBody.Write(context, models, static (writer, models) =>
        {
            writer.WriteStartObject();
            JsonBody.WriteListMembers(writer, models, Write);
            writer.WriteEndObject();
        });
    }

    private static async Task Read(HttpContext context)
    {
        var id = ApiRoutes.ReadPathTail(context, Prefix, (string)context.GetRouteValue("id")!);
        var model = context.RequestServices.GetRequiredService<IFleetView>().RequireModel(RequestInfo.KeyOf(context), id, "model");
        await JsonBody.Write(context, new ModelInfo(model.Id, model.CreatedAt), Write);
    }

    private static void Write(Utf8JsonWriter writer, ModelInfo model)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, model.Id);
        writer.WriteString("object"u8, "model"u8);
        writer.WriteNumber("created"u8, model.CreatedAt.ToUnixTimeSeconds());
        writer.WriteString("owned_by"u8, "cozecluster"u8);
        writer.WriteEndObject();
    }
}

/// <summary>Finds models for requests.</summary>
internal static class FleetModels
{
    /// <param name="fleet">The fleet.</param>
    /// <param name="key">The key of the request.</param>
    /// <param name="model">The name of the model.</param>
    /// <param name="param">The request field that an error names.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.ModelNotFound"/>.</exception>
    public static ModelDefinition RequireModel(this IFleetView fleet, RequestKey key, string model, string? param = null) =>
        (key.Allows(model) ? fleet.FindModel(key.TenantId, model) : null)
        ?? throw new ClusterException(ErrorCode.ModelNotFound, $"The model '{model}' does not exist or you do not have access to it.", param);
}
