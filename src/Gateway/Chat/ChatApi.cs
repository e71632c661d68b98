using CozeCluster.Gateway.Health;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Models;
using CozeCluster.Gateway.Observing;
using CozeCluster.Gateway.OpenApi;
using CozeCluster.Gateway.Sse;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Chat;

/// <summary><c>POST /v1/chat/completions</c>.</summary>
internal sealed class ChatApi(
    GatewayOptions options, Readiness readiness, ModelDirectory models, TurnStarter turns, ReplyStreamer streamer, ReplyReaderServices readers, TimeProvider time)
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapTenant(
        "POST", "/v1/chat/completions", static context => context.RequestServices.GetRequiredService<ChatApi>().Complete(context),
        "Chat", "createChatCompletion", "Asks a bot.", static operation =>
        {
            operation.Parameters =
            [
                Schemas.Header("x-conversation-id", "As the field conversation_id."),
                Schemas.Header("x-turn-survive", "true: the turn goes on without its client."),
                Schemas.Header("idempotency-key", "The same key gives the same turn. Up to 255 characters."),
            ];
            operation.RequestBody = new OpenApiRequestBody { Required = true, Content = Schemas.Content("application/json", Schemas.ChatRequest()) };
            var response = Schemas.Json("The reply; with `stream`, chunks as server-sent events.", Schemas.Completion());
            response.Content!.Add("text/event-stream", new OpenApiMediaType { Schema = Schemas.String() });
            operation.Responses!.Add("200", response);
        });

    private async Task Complete(HttpContext context)
    {
        readiness.ThrowIfRefusing();
        var call = Call.Of(context);
        var request = await JsonBody.Read(context, options.MaxBodyBytes, ChatRequestReader.Read);
        call.PromptLength = request.Length;
        await models.Find(Call.TenantOf(context), request.Model);
        call.Model = request.Model;

        var headers = TurnHeaders.Read(context.Request, request);
        var turn = TurnStarter.Make(Call.TenantOf(context), request, headers);
        var conversation = turns.ConversationOf(turn.TurnId);
        using var reader = new ReplyReader(readers, turn.TenantId, turn.TurnId, conversation, Cursor.Start, context.RequestAborted);
        await turns.Begin(reader, turn, request);
        call.TurnId = turn.TurnId;
        context.Response.Headers["x-turn-id"] = turn.TurnId;
        if (headers.ConversationName is { } name && ConversationNames.FitsHeader(name)) context.Response.Headers["x-conversation-id"] = name;
        try
        {
            var ids = new CompletionIds(turn.TurnId, request.Model, time.GetUtcNow().ToUnixTimeSeconds(), headers.ConversationName);
            if (request.Stream) await streamer.Run(context, reader, new ChatStream(ids, request.IncludeUsage));
            else await Aggregate(context, reader, ids);
        }
        finally
        {
            if (!reader.Ended) await turns.Leave(conversation, reader, turn, headers);
        }
    }

    private async Task Aggregate(HttpContext context, ReplyReader reader, CompletionIds ids)
    {
        if (await WholeReply.Read(reader, time, context.RequestAborted) is not { } content) return;
        await JsonResponse.Write(context, (ids, content), static (writer, reply) => CompletionJson.Write(writer, reply.ids, reply.content));
    }
}
