using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Conversations;
using CozeCluster.Gateway.Surfaces.Health;
using CozeCluster.Gateway.Surfaces.Models;
using CozeCluster.Gateway.Surfaces.OpenApi;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Surfaces.Chat;

/// <summary><c>POST /v1/chat/completions</c>.</summary>
internal sealed class ChatApi(
    GatewayOptions options, Readiness readiness, IFleetView fleet, TurnStarter turns, ChatChoices choices, ReplyStreamer streamer, TimeProvider time)
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapTenant(
        "POST", "/v1/chat/completions", static context => context.RequestServices.GetRequiredService<ChatApi>().Complete(context, otherModel: null),
        "Chat", "createChatCompletion", "Sends a prompt to a bot and returns its reply.", static operation =>
        {
            operation.Parameters =
            [
                Schemas.Header("x-conversation-id", "Same as the field conversation_id."),
                Schemas.Header("x-turn-survive", "true: the turn continues when its client disconnects."),
                Schemas.Header("idempotency-key", "Requests with the same key get the same turn. Up to 255 characters."),
                Schemas.UpstreamAuthorization(),
            ];
            operation.RequestBody = new OpenApiRequestBody { Required = true, Content = Schemas.Content("application/json", Schemas.ChatRequest()) };
            var response = Schemas.Json("The reply; with `stream`, chunks as server-sent events.", Schemas.Completion());
            response.Content!.Add("text/event-stream", new OpenApiMediaType { Schema = Schemas.String() });
            operation.Responses!.Add("200", response);
        });

    /// <summary>Answers a request.</summary>
    /// <param name="context">The request.</param>
    /// <param name="otherModel">The model if the tenant has none of the name in the request; null: such requests are refused.</param>
    internal async Task Complete(HttpContext context, string? otherModel)
    {
        readiness.ThrowIfDraining();
        var info = RequestInfo.Of(context);
        var tenantId = RequestInfo.TenantIdOf(context);
        var models = RequestedModels.Of(fleet, tenantId, otherModel);
        var request = await JsonBody.Read(context, options.MaxBodyBytes, (root, bytes) => ChatRequestReader.Read(root, bytes, models));
        info.PromptLength = request.PromptLength;
        var model = fleet.RequireModel(RequestInfo.KeyOf(context), Known(request.Model));
        fleet.RequireTask(model, ModelTask.Chat);
        info.Model = model.Id;

        var headers = TurnHeaders.Read(context.Request, request) with { Credential = UpstreamAuthorization.Read(context, fleet, model) };
        if (request.Choices > 1)
        {
            await choices.Complete(context, request, model.Id, headers);
            return;
        }
        await using var turn = await turns.Start(RequestInfo.KeyOf(context), request with { Model = model.Id }, headers, context.RequestAborted);
        info.TurnId = turn.Id;
        context.Response.Headers["x-turn-id"] = turn.Id;
        if (headers.ConversationName is { } name && ConversationNames.FitsHeader(name)) context.Response.Headers["x-conversation-id"] = name;
        var completion = new CompletionInfo(turn.Id, request.Model, time.GetUtcNow().ToUnixTimeSeconds(), headers.ConversationName)
        {
            IgnoredFields = request.IgnoredFields,
        };
        if (request.Stream)
        {
            var errorText = RequestInfo.KeyOf(context).ErrorText;
            var stream = new ChatStream(completion, ReplyAddresses.Of(context), request.IncludeUsage, errorText: errorText);
            await streamer.Run(context, turn.Reader, stream);
        }
        else await WriteWhole(context, turn.Reader, completion);

        string Known(string model) => otherModel is null || fleet.FindModel(tenantId, model) is not null ? model : otherModel;
    }

    private async Task WriteWhole(HttpContext context, ReplyReader reader, CompletionInfo info)
    {
        if (await ReplyContent.ReadToEnd(reader, ReplyAddresses.Of(context), time, context.RequestAborted) is not { } content) return;
        await JsonBody.Write(context, (info, content), static (writer, reply) => CompletionJson.Write(writer, reply.info, reply.content));
    }
}
