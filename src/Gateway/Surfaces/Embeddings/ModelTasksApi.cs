using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.Health;
using CozeCluster.Gateway.Surfaces.Models;
using CozeCluster.Gateway.Surfaces.OpenApi;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Surfaces.Embeddings;

/// <summary><c>POST /v1/embeddings</c> and <c>POST /v1/moderations</c>: a silo sends the request to the model's server, and its answer is passed on.</summary>
internal sealed class ModelTasksApi(GatewayOptions options, Readiness readiness, IFleetView fleet, IGrainFactory grains)
{
    /// <summary>The body stays in memory until the model has answered, so it has a limit of its own.</summary>
    private const long MaxBodyBytes = 8L << 20;

    public static void Map(IEndpointRouteBuilder routes)
    {
        Map(routes, "/v1/embeddings", ModelTask.Embeddings, "createEmbedding", "Turns texts into vectors.", EmbeddingFields.Table, Schemas.Embeddings());
        Map(routes, "/v1/moderations", ModelTask.Moderations, "createModeration", "Says whether contents are harmful.", ModerationFields.Table,
            Schemas.Moderations());
    }

    private static void Map(
        IEndpointRouteBuilder routes, string path, ModelTask task, string operationId, string summary, FieldTable fields, OpenApiSchema answer) =>
        routes.MapTenant(
            "POST", path, context => context.RequestServices.GetRequiredService<ModelTasksApi>().Run(context, task, fields), "Embeddings", operationId, summary,
            operation =>
            {
                operation.Parameters = [Schemas.UpstreamAuthorization()];
                operation.RequestBody = new OpenApiRequestBody
                {
                    Required = true,
                    Content = Schemas.Content("application/json", Schemas.Request(fields, "model", "input")),
                };
                operation.Responses!.Add("200", Schemas.Json("The answer of the model's server.", answer));
            });

    private async Task Run(HttpContext context, ModelTask task, FieldTable fields)
    {
        readiness.ThrowIfDraining();
        var (info, key) = (RequestInfo.Of(context), RequestInfo.KeyOf(context));
        var asked = await JsonBody.Read(context, Math.Min(options.MaxBodyBytes, MaxBodyBytes), (root, _) => AskedTask.Read(root, fields));
        info.PromptLength = asked.InputLength;
        var model = fleet.RequireModel(key, asked.Model);
        fleet.RequireTask(model, task);
        info.Model = model.Id;

        var request = new ModelTaskRequest
        {
            TurnId = fleet.Ids.NewTurn(key.TenantId, null),
            TenantId = key.TenantId,
            KeyName = key.Name,
            Model = model.Id,
            AskedModel = asked.Model,
            User = asked.User,
            Task = task,
            Body = asked.Body,
            ReturnsErrors = key.IsLimited,
            Credential = UpstreamAuthorization.Read(context, fleet, model, task),
        };
        RequestInfo.SetTurn(context, request.TurnId);
        if (!TurnId.TryGetConversation(request.TurnId, out var conversation)) throw new InvalidOperationException("A new turn id has no conversation.");
        var result = await grains.Grain<IModelTaskGrain>(conversation).Run(request, context.RequestAborted);
        key.Rates = result.Rates;
        if (result.Error is { } error) throw error.ToException();
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.ContentLength = result.Body.Length;
        await context.Response.Body.WriteAsync(result.Body, context.RequestAborted);
    }
}

/// <summary>What a client asks of a model.</summary>
/// <param name="Model">The requested model.</param>
/// <param name="User">The client's end user; null if there is none.</param>
/// <param name="InputLength">The number of characters in the input.</param>
/// <param name="Body">See <see cref="UpstreamTask.Body"/>.</param>
internal sealed record AskedTask(string Model, string? User, int InputLength, byte[] Body)
{
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>. It names the field.</exception>
    public static AskedTask Read(JsonElement root, FieldTable fields)
    {
        var path = JsonFieldPath.Root;
        var model = JsonInput.ReadString(JsonInput.GetMember(root, "model", path), path["model"], 1, 256);
        var input = JsonInput.GetMember(root, "input", path);
        fields.Check(root);
        var user = JsonInput.FindText(root, "user", path, 1024);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, JsonBody.WriterOptions))
        {
            json.WriteStartObject();
            foreach (var field in fields.Fields)
            {
                if (field.Name is "model" or "user" || JsonInput.FindMember(root, field.Name) is not { } value) continue;
                json.WritePropertyName(field.Name);
                value.WriteTo(json);
            }
            json.WriteEndObject();
        }
        return new AskedTask(model, user, input.GetRawText().Length, buffer.ToArray());
    }
}
