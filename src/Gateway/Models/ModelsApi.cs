using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.OpenApi;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Models;

/// <summary><c>/v1/models</c>.</summary>
internal static class ModelsApi
{
    private const string Prefix = "/v1/models/";

    public static void MapModels(this IEndpointRouteBuilder routes)
    {
        routes.MapTenant("GET", "/v1/models", List, "Models", "listModels", "Lists the models offered to you.", static operation =>
            operation.Responses!.Add("200", Schemas.Json("The models.", Schemas.List(Schemas.Model()))));
        routes.MapTenant("GET", "/v1/models/{**id}", Read, "Models", "readModel", "Reads a model.", static operation =>
        {
            operation.Parameters = [Schemas.Path("id", "The model; it may hold slashes.")];
            operation.Responses!.Add("200", Schemas.Json("The model.", Schemas.Model()));
        });
    }

    private static async Task List(HttpContext context)
    {
        var models = await context.RequestServices.GetRequiredService<ModelDirectory>().List(Call.TenantOf(context));
        await JsonResponse.Write(context, models, static (writer, models) =>
        {
            writer.WriteStartObject();
            writer.WriteString("object"u8, "list"u8);
            writer.WriteStartArray("data"u8);
            foreach (var model in models) Write(writer, model);
            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    }

    private static async Task Read(HttpContext context)
    {
        var id = RawPath.Tail(context, Prefix, (string)context.GetRouteValue("id")!);
        var model = await context.RequestServices.GetRequiredService<ModelDirectory>().Find(Call.TenantOf(context), id, "model");
        await JsonResponse.Write(context, new ModelInfo(model.Id, model.CreatedAt), Write);
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
