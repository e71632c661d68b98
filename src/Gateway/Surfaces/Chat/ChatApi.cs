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
    GatewayOptions options, Readiness readiness, ModelDirectory models, TurnStarter turns, ReplyStreamer streamer, ReplyReaderServices readers,
    TimeProvider time)
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapTenant(
        "POST", "/v1/chat/completions", static context => context.RequestServices.GetRequiredService<ChatApi>().Complete(context),
        "Chat", "createChatCompletion", "Sends a prompt to a bot and returns its reply.", static operation =>
        {
            operation.Parameters =
            [
                Schemas.Header("x-conversation-id", "Same as the field conversation_id."),
                Schemas.Header("x-turn-survive", "true: the turn continues when its client disconnects."),
                Schemas.Header("idempotency-key", "Requests with the same key get the same turn. Up to 255 characters."),
            ];
            operation.RequestBody = new OpenApiRequestBody { Required = true, Content = Schemas.Content("application/json", Schemas.ChatRequest()) };
            var response = Schemas.Json("The reply; with `stream`, chunks as server-sent events.", Schemas.Completion());
            response.Content!.Add("text/event-stream", new OpenApiMediaType { Schema = Schemas.String() });
            operation.Responses!.Add("200", response);
        });

    private async Task Complete(HttpContext context)
    {
        readiness.ThrowIfDraining();
        var info = RequestInfo.Of(context);
        var tenantId = RequestInfo.TenantIdOf(context);
        var request = await JsonBody.Read(context, options.MaxBodyBytes, ChatRequestReader.Read);
        info.PromptLength = request.PromptLength;
        await models.Find(tenantId, request.Model);
        info.Model = request.Model;

        var headers = TurnHeaders.Read(context.Request, request);
        var turn = TurnStarter.CreateTurn(tenantId, request, headers);
        var conversation = turns.ConversationOf(turn.TurnId);
        using var reader = new ReplyReader(readers, turn.TenantId, turn.TurnId, conversation, Cursor.Start, context.RequestAborted);
        await turns.Begin(reader, turn, request);
        info.TurnId = turn.TurnId;
        context.Response.Headers["x-turn-id"] = turn.TurnId;
        if (headers.ConversationName is { } name && ConversationNames.FitsHeader(name)) context.Response.Headers["x-conversation-id"] = name;
        try
        {
            var completion = new CompletionInfo(turn.TurnId, request.Model, time.GetUtcNow().ToUnixTimeSeconds(), headers.ConversationName);
            if (request.Stream) await streamer.Run(context, reader, new ChatStream(completion, request.IncludeUsage));
            else await WriteWhole(context, reader, completion);
        }
        finally
        {
            if (!reader.Ended) await turns.HandleDisconnect(conversation, reader, turn, headers);
        }
    }

    private async Task WriteWhole(HttpContext context, ReplyReader reader, CompletionInfo info)
    {
        if (await ReplyContent.ReadToEnd(reader, time, context.RequestAborted) is not { } content) return;
        await JsonBody.Write(context, (info, content), static (writer, reply) => CompletionJson.Write(writer, reply.info, reply.content));
    }
}
