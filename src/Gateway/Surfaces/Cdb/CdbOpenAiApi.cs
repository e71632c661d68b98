using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Chat;
using CozeCluster.Gateway.Surfaces.Health;
using CozeCluster.Gateway.Surfaces.Images;
using CozeCluster.Gateway.Surfaces.Models;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Surfaces.Cdb;

/// <summary>OpenAI's routes of the Bridge. A conversation of the tenant receives each prompt; it is created if it does not exist.</summary>
internal sealed class CdbOpenAiApi(
    CdbRequests requests, CdbConversations conversations, Readiness readiness, IFleetView fleet, TurnStarter turns, ImageTurns images, ReplyStreamer streamer,
    TimeProvider time)
{
    private const int MaxPromptLength = 32_000;

    public static void Map(IEndpointRouteBuilder routes)
    {
        object[] metadata = [new CompatRoute(CompatMode.Cdb), new CdbRoute(IsOpenAi: true)];
        RequestDelegate list = static context => Api(context).ListModels(context);
        RequestDelegate complete = static context => Api(context).Complete(context);
        RequestDelegate draw = static context => Api(context).Draw(context);
        routes.MapMethods("/v1/models", ["GET"], list).WithMetadata(metadata);
        routes.MapMethods("/v1/chat/completions", ["POST"], complete).WithMetadata(metadata);
        routes.MapMethods("/v1/images/generations", ["POST"], draw).WithMetadata(metadata);
    }

    private static CdbOpenAiApi Api(HttpContext context) => context.RequestServices.GetRequiredService<CdbOpenAiApi>();

    private async Task ListModels(HttpContext context)
    {
        await requests.Read(context, static _ => true);
        await JsonBody.Write(context, fleet.ListModels(RequestInfo.KeyOf(context)), static (writer, models) =>
        {
            writer.WriteStartObject();
            JsonBody.WriteListMembers(writer, models, static (writer, model) =>
            {
                writer.WriteStartObject();
                writer.WriteString("id"u8, model.Id);
                writer.WriteString("object"u8, "model"u8);
                writer.WriteNumber("created"u8, model.CreatedAt.ToUnixTimeSeconds());
                writer.WriteString("owned_by"u8, "openai"u8);
                writer.WriteEndObject();
            });
            writer.WriteEndObject();
        });
    }

    private async Task Complete(HttpContext context)
    {
        readiness.ThrowIfDraining();
        var info = RequestInfo.Of(context);
        var settings = new CdbOptions(context);
        var request = await requests.Read(context, parameters => CdbChatRequest.Read(parameters, settings))
            ?? throw CdbErrors.Named(context, "无效的请求", "The parameter 'messages' is missing.");
        var tenantId = RequestInfo.TenantIdOf(context);
        var model = settings.FindModel(fleet, tenantId, request.Model);
        var conversation = await conversations.FindOrCreate(context, request.FindConversation(settings, fleet.ListModels(tenantId)));
        var chat = FlatPrompt.Create(model.Id, request.Text, request.Messages);
        (info.Model, info.PromptLength) = (model.Id, chat.PromptLength);

        await using var turn = await turns.Start(
            RequestInfo.KeyOf(context), chat, new TurnHeaders(conversation.ConversationName, null, false), context.RequestAborted);
        RequestInfo.SetTurn(context, turn.Id);
        var addresses = ReplyAddresses.Of(context);
        var completion = new CdbCompletion("chatcmpl-" + conversation.Name, request.Model ?? model.Id, time.GetUtcNow().ToUnixTimeSeconds());
        if (request.Stream)
        {
            await streamer.Run(context, turn.Reader, new CdbCompletionStream(context, completion, addresses, RequestInfo.KeyOf(context).ErrorText));
            return;
        }
        if (await ReplyContent.ReadToEnd(turn.Reader, addresses, time, context.RequestAborted) is not { } content) return;
        await JsonBody.Write(context, (completion, content), static (writer, reply) => reply.completion.Write(writer, reply.content));
    }

    private async Task Draw(HttpContext context)
    {
        readiness.ThrowIfDraining();
        var info = RequestInfo.Of(context);
        var settings = new CdbOptions(context);
        var (prompt, requested) = await requests.Read(context, static parameters => (parameters.Text("prompt") ?? "", parameters.Text("model")));
        if (prompt.Length is 0 or > MaxPromptLength)
            throw CdbErrors.Named(context, "InvalidPromptException", $"The parameter 'prompt' must have 1 to {MaxPromptLength} characters.");
        var model = settings.FindModel(fleet, RequestInfo.TenantIdOf(context), requested);
        var conversation = await conversations.FindOrCreate(context, settings.ImageConversation);
        var chat = FlatPrompt.Create(model.Id, settings.ImagePrefix + prompt + settings.ImageSuffix);
        (info.Model, info.PromptLength) = (model.Id, chat.PromptLength);

        var reply = await images.Run(context, chat, new TurnHeaders(conversation.ConversationName, null, false));
        if (context.RequestAborted.IsCancellationRequested) return;
        RequestInfo.SetTurn(context, reply.TurnId);
        await JsonBody.Write(context, (Created: time.GetUtcNow().ToUnixTimeSeconds(), reply.Urls), static (writer, answer) =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("created"u8, answer.Created);
            writer.WriteStartArray("data"u8);
            foreach (var url in answer.Urls)
            {
                writer.WriteStartObject();
                writer.WriteString("url"u8, url);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    }
}
