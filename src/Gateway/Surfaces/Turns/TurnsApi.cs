using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Chat;
using CozeCluster.Gateway.Surfaces.OpenApi;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Surfaces.Turns;

/// <summary><c>/v1/turns/{id}</c>: reads a turn, streams its reply from any cursor, and cancels it. Any API key of the turn's tenant is accepted.</summary>
internal sealed class TurnsApi(
    IGrainFactory grains, IFleetView fleet, TurnStarter turns, ReplyReaderServices readers, RunningReplies running, ReplyStreamer streamer)
{
    private const string Path = "/v1/turns/{id}";
    private const string Tag = "Turns";

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapTenant("GET", Path, static context => Api(context).Read(context), Tag, "readTurn", "Reads a turn with its reply so far.", DescribeTurn);
        routes.MapTenant("DELETE", Path, static context => Api(context).Cancel(context), Tag, "cancelTurn", "Cancels a turn.", DescribeTurn);
        routes.MapTenant(
            "GET", Path + "/events", static context => Api(context).Follow(context), Tag, "followTurn", "Streams the rest of a reply.", static operation =>
            {
                operation.Parameters =
                [
                    Schemas.Path("id", "The id of the turn."),
                    Schemas.Header("last-event-id", "The id of the last event that you have received."),
                    Schemas.Query("after", Schemas.String("Same as the header last-event-id. If both are given, the header is used.")),
                    Schemas.Query("include_usage", Schemas.Boolean("true: the last chunk has token counts.")),
                ];
                var content = Schemas.Content("text/event-stream", Schemas.String());
                operation.Responses!.Add("200", new OpenApiResponse { Description = "Chat completion chunks.", Content = content });
            });
    }

    private static void DescribeTurn(OpenApiOperation operation)
    {
        operation.Parameters = [Schemas.Path("id", "The id of the turn, from the response header x-turn-id.")];
        operation.Responses!.Add("200", Schemas.Json("The turn.", Schemas.Turn()));
    }

    private static TurnsApi Api(HttpContext context) => context.RequestServices.GetRequiredService<TurnsApi>();

    private async Task Read(HttpContext context)
    {
        var (_, turn) = await Find(context);
        await JsonBody.Write(context, (turn, ReplyAddresses.Of(context)), TurnJson.Write);
    }

    private async Task Cancel(HttpContext context)
    {
        var (conversation, turn) = await Find(context);
        await conversation.Cancel(RequestInfo.TenantIdOf(context), turn.TurnId);
        var (_, cancelled) = await Find(context);
        await JsonBody.Write(context, (cancelled, ReplyAddresses.Of(context)), TurnJson.Write);
    }

    private async Task Follow(HttpContext context)
    {
        var after = ReadCursor(context.Request);
        var includeUsage = context.Request.Query["include_usage"] == "true";
        var (conversation, turn) = await Find(context);
        using var reader = new ReplyReader(readers, RequestInfo.TenantIdOf(context), turn.TurnId, conversation, after, context.RequestAborted);
        var key = RequestInfo.KeyOf(context);
        using var registration = running.Add(key, reader);
        await reader.Subscribe();
        var stream = new ChatStream(CompletionInfo.Of(turn), ReplyAddresses.Of(context), includeUsage, after, turn.Parts, key.ErrorText);
        await streamer.Run(context, reader, stream, resumed: true);
        // The turn is not cancelled: this client may return, and there may be other subscribers. The conversation cancels a turn without subscribers itself.
        if (!reader.HasWholeReply) await turns.IgnoreFailures(turn.TurnId, reader.Unsubscribe());
    }

    /// <summary>Finds the turn whose id is in the path. All ids that are unknown, malformed, expired or of another tenant get the same error.</summary>
    private async ValueTask<(IConversationGrain Conversation, TurnSnapshot Turn)> Find(HttpContext context)
    {
        var id = (string)context.GetRouteValue("id")!;
        if (!fleet.Ids.TryGetConversation(RequestInfo.TenantIdOf(context), id, out var key)) throw NotFoundError();
        RequestInfo.Of(context).TurnId = id;
        var conversation = grains.Grain<IConversationGrain>(key);
        try
        {
            var turn = await conversation.GetTurn(RequestInfo.TenantIdOf(context), id);
            context.Response.Headers["x-turn-id"] = id;
            return (conversation, turn);
        }
        catch (ClusterException exception) when (exception.Code == ErrorCode.NotFound)
        {
            throw NotFoundError();
        }
    }

    private static ClusterException NotFoundError() => new(ErrorCode.NotFound, "There is no turn with this id, or it has expired.", "id");

    /// <summary>
    /// Reads the cursor to start after. The header has priority: a browser that reconnects sends the header, and the URL of its first request.
    /// </summary>
    private static Cursor ReadCursor(HttpRequest request)
    {
        var header = request.Headers["last-event-id"].ToString();
        var (text, param) = header.Length > 0 ? (header, "last-event-id") : (request.Query["after"].ToString(), "after");
        if (text.Length == 0) return Cursor.Start;
        return Cursor.TryParse(text, out var cursor) ? cursor
            : throw new ClusterException(ErrorCode.InvalidRequest, $"Invalid '{param}': expected the id of an event of this turn, like \"0.128\".", param);
    }
}
