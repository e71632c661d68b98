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
        var models = context.RequestServices.GetRequiredService<IFleetView>().ListModels(RequestInfo.KeyOf(context));
        await JsonBody.Write(context, models, static (writer, models) =>
        {
            writer.WriteStartObject();
            JsonBody.WriteListMembers(writer, models, Write);
            writer.WriteEndObject();
        });
    }

    private static async Task Read(HttpContext context)
    {
        var id = RequestPath.Read(context, "id");
        var model = context.RequestServices.GetRequiredService<IFleetView>().RequireModel(RequestInfo.KeyOf(context), id, "model");
        await JsonBody.Write(context, new ModelInfo(id, model.CreatedAt), Write);
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
        fleet.FindModel(key.TenantId, model) is { } found && key.Allows(found.Id)
            ? found
            : throw new ClusterException(ErrorCode.ModelNotFound, $"The model '{model}' does not exist or you do not have access to it.", param);

    /// <summary>Lists the models that the key of a request may use.</summary>
    public static IReadOnlyList<ModelInfo> ListModels(this IFleetView fleet, RequestKey key)
    {
        var models = fleet.ListModels(key.TenantId);
        return key.Models.Count == 0 ? models : [.. models.Where(model => fleet.FindModel(key.TenantId, model.Id) is { } found && key.Allows(found.Id))];
    }

    /// <summary>Requires that a model has a bot with a task.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>. It names the field <c>model</c>.</exception>
    public static void RequireTask(this IFleetView fleet, ModelDefinition model, ModelTask task)
    {
        if (fleet.HasTask(model, task)) return;
        var what = task switch
        {
            ModelTask.Embeddings => "makes no embeddings",
            ModelTask.Moderations => "makes no moderations",
            _ => "answers no prompts",
        };
        throw new ClusterException(ErrorCode.InvalidRequest, $"The model '{model.Id}' {what}. Use another model.", "model");
    }
}
