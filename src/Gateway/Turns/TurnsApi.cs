using CozeCluster.Gateway.Chat;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Observing;
using CozeCluster.Gateway.OpenApi;
using CozeCluster.Gateway.Sse;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Turns;

/// <summary><c>/v1/turns/{id}</c>: a reply can be read, followed from any place, and cancelled, by whoever holds a key of its tenant.</summary>
internal sealed class TurnsApi(IGrainFactory grains, TurnStarter turns, ReplyReaderServices readers, ReplyStreamer streamer)
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapTenant("GET", "/v1/turns/{id}", static context => Api(context).Read(context), "Turns", "readTurn", "Reads a turn with its reply so far.", DescribeTurn);
        routes.MapTenant("DELETE", "/v1/turns/{id}", static context => Api(context).Cancel(context), "Turns", "cancelTurn", "Cancels a turn.", DescribeTurn);
        routes.MapTenant(
            "GET", "/v1/turns/{id}/events", static context => Api(context).Follow(context), "Turns", "followTurn", "Streams the rest of a reply.", static operation =>
            {
                operation.Parameters =
                [
                    Schemas.Path("id", "The turn."),
                    Schemas.Header("last-event-id", "The id of the last event you have."),
                    Schemas.Query("after", Schemas.String("As the header last-event-id, which counts first.")),
                    Schemas.Query("include_usage", Schemas.Boolean("true: a last chunk with token counts.")),
                ];
                operation.Responses!.Add("200", new OpenApiResponse { Description = "Chat completion chunks.", Content = Schemas.Content("text/event-stream", Schemas.String()) });
            });
    }

    private static void DescribeTurn(OpenApiOperation operation)
    {
        operation.Parameters = [Schemas.Path("id", "The turn, as the response header x-turn-id named it.")];
        operation.Responses!.Add("200", Schemas.Json("The turn.", Schemas.Turn()));
    }

    private static TurnsApi Api(HttpContext context) => context.RequestServices.GetRequiredService<TurnsApi>();

    private async Task Read(HttpContext context)
    {
        var (_, turn) = await Find(context);
        await JsonResponse.Write(context, turn, TurnJson.Write);
    }

    private async Task Cancel(HttpContext context)
    {
        var (conversation, turn) = await Find(context);
        await conversation.Cancel(Call.TenantOf(context), turn.TurnId);
        var (_, after) = await Find(context);
        await JsonResponse.Write(context, after, TurnJson.Write);
    }

    private async Task Follow(HttpContext context)
    {
        var after = After(context.Request);
        var includeUsage = context.Request.Query["include_usage"] == "true";
        var (conversation, turn) = await Find(context);
        using var reader = new ReplyReader(readers, Call.TenantOf(context), turn.TurnId, conversation, after, context.RequestAborted);
        await reader.Attach();
        await streamer.Run(context, reader, new ChatStream(CompletionIds.Of(turn), includeUsage, after, turn.Parts), resumed: true);
        // This client may come back, and others may listen: the turn is not cancelled. Its conversation knows what to do with a turn nobody listens to.
        if (!reader.Ended) await turns.Quietly(turn.TurnId, reader.Detach());
    }

    /// <summary>The turn of the path. Unknown, malformed, expired and foreign ids cannot be told apart.</summary>
    private async ValueTask<(IConversationGrain Conversation, TurnSnapshot Turn)> Find(HttpContext context)
    {
        var id = (string)context.GetRouteValue("id")!;
        if (!TurnId.TryGetConversation(id, out var key)) throw Unknown();
        Call.Of(context).TurnId = id;
        var conversation = grains.Grain<IConversationGrain>(key);
        try
        {
            var turn = await conversation.GetTurn(Call.TenantOf(context), id);
            context.Response.Headers["x-turn-id"] = id;
            return (conversation, turn);
        }
        catch (ClusterException exception) when (exception.Code == ErrorCode.NotFound)
        {
            throw Unknown();
        }
    }

    private static ClusterException Unknown() => new(ErrorCode.NotFound, "There is no such turn, or it has expired.", "id");

    /// <summary>Where to begin. The header counts first: a browser that reconnects sends it with the URL it began with.</summary>
    private static Cursor After(HttpRequest request)
    {
        var header = request.Headers["last-event-id"].ToString();
        var (text, param) = header.Length > 0 ? (header, "last-event-id") : (request.Query["after"].ToString(), "after");
        if (text.Length == 0) return Cursor.Start;
        return Cursor.TryParse(text, out var cursor) ? cursor
            : throw new ClusterException(ErrorCode.InvalidRequest, $"Invalid '{param}': expected the id of an event of this turn, like \"0.128\".", param);
    }
}
