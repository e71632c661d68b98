using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Chat;
using CozeCluster.Gateway.Surfaces.Health;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Surfaces.Cdb;

/// <summary>The routes of the Bridge that talk to a bot in a conversation that was created before.</summary>
internal sealed class CdbChatApi(
    CdbRequests requests, CdbConversations conversations, Readiness readiness, IFleetView fleet, IGrainFactory grains, TurnStarter turns,
    ReplyStreamer streamer, TimeProvider time)
{
    private const string ImageName = "default.png";

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapBridge("/api/Chat", static context => Api(context).Chat(context, stream: false), new CdbRoute(HasStatus: true));
        routes.MapBridge("/api/ChatStream", static context => Api(context).Chat(context, stream: true), new CdbRoute(HasStatus: true));
        routes.MapBridge("/api/GetLatestMessage", static context => Api(context).ReadLatest(context), new CdbRoute(HasStatus: true));
    }

    private static CdbChatApi Api(HttpContext context) => context.RequestServices.GetRequiredService<CdbChatApi>();

    private async Task Chat(HttpContext context, bool stream)
    {
        readiness.ThrowIfDraining();
        var info = RequestInfo.Of(context);
        var (name, prompt, image) = await requests.Read(context, static parameters =>
            (parameters.Text("name") ?? "", parameters.Text("prompt") ?? "", ReadImage(parameters)));
        if (prompt.Length == 0) throw CdbErrors.Named(context, "InvalidPromptException", "The parameter 'prompt' is missing or empty.");
        var conversation = await conversations.Require(context, name);
        var options = new CdbOptions(context);
        var model = options.FindModel(fleet, RequestInfo.TenantIdOf(context));
        (info.Model, info.PromptLength) = (model.Id, prompt.Length);

        // A client whose connection was lost reads the reply with GetLatestMessage.
        var headers = new TurnHeaders(conversation.ConversationName, null, Survive: true);
        await using var turn = await turns.Start(
            RequestInfo.KeyOf(context), FlatPrompt.Create(model.Id, prompt, image), headers, context.RequestAborted);
        RequestInfo.SetTurn(context, turn.Id);
        var addresses = ReplyAddresses.Of(context);
        if (stream)
        {
            await streamer.Run(context, turn.Reader, new CdbChatStream(context, addresses, options.StreamEnd, time));
            return;
        }
        if (await ReplyContent.ReadToEnd(turn.Reader, addresses, time, context.RequestAborted) is not { } content) return;
        await CdbJson.Answer(context, CdbJson.Success, writer =>
        {
            var reply = CdbReply.Of(content);
            writer.WriteStartObject();
            writer.WriteString("prompt"u8, reply.Text);
            CdbJson.WriteFiles(writer, reply.Files);
            writer.WriteEndObject();
        });
    }

    private async Task ReadLatest(HttpContext context)
    {
        var name = await requests.Read(context, static parameters => parameters.Text("name") ?? "");
        var found = await conversations.Of(context).Find(name);
        var turn = found is null ? null : await FindLastTurn(context, found);
        var reply = turn is null ? null : CdbReply.Of(ReplyContent.Of(turn, ReplyAddresses.Of(context)));
        await CdbJson.Answer(context, found is null ? "当前对话不存在" : CdbJson.Success, writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("status"u8, reply is not null);
            writer.WriteString("prompt"u8, reply?.Text ?? "");
            CdbJson.WriteFiles(writer, reply?.Files ?? []);
            writer.WriteEndObject();
        });
    }

    private async ValueTask<TurnSnapshot?> FindLastTurn(HttpContext context, BridgeConversation conversation)
    {
        var tenantId = RequestInfo.TenantIdOf(context);
        try
        {
            var snapshot = await grains.Grain<IConversationGrain>(fleet.Ids.KeyOf(tenantId, conversation.ConversationName)).GetConversation(tenantId);
            return snapshot.Turns.Count > 0 ? snapshot.Turns[^1] : null;
        }
        catch (ClusterException exception) when (exception.Code == ErrorCode.NotFound)
        {
            return null;
        }
    }

    private static Media? ReadImage(CdbParameters parameters)
    {
        var image = parameters.Utf8("image");
        var path = JsonFieldPath.Root["image"];
        return image.IsEmpty ? null : DataUri.IsDataUri(image) ? DataUri.Read(image, "default", path) : DataUri.ReadBase64(image, ImageName, path);
    }
}
