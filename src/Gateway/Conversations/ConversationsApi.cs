using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.OpenApi;
using CozeCluster.Gateway.Turns;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Conversations;

/// <summary><c>/v1/conversations</c>: the tenant's named conversations, listed, read, renamed and deleted.</summary>
internal sealed class ConversationsApi(IGrainFactory grains, GatewayOptions options)
{
    private const string Prefix = "/v1/conversations/";
    private const string One = Prefix + "{**name}";
    private const string Tag = "Conversations";
    private const int DefaultLimit = 20;
    private const int MaxLimit = 100;
    private const int MaxTitle = 256;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapTenant(
            "GET", "/v1/conversations", static context => Api(context).List(context), Tag, "listConversations", "Lists named conversations, most recently used first.", static operation =>
            {
                operation.Parameters =
                [
                    Schemas.Query("limit", Schemas.Integer($"1 to {MaxLimit}; default {DefaultLimit}.")),
                    Schemas.Query("after", Schemas.String("The last name of the page before.")),
                ];
                operation.Responses!.Add("200", Schemas.Json("A page.", Schemas.List(Schemas.Conversation())));
            });
        routes.MapTenant("GET", One, static context => Api(context).Read(context), Tag, "readConversation", "Reads a conversation with its turns.", static operation =>
            DescribeOne(operation, "The conversation; `data` holds its turns with their prompts.", Schemas.Conversation()));
        routes.MapTenant("POST", One, static context => Api(context).Rename(context), Tag, "renameConversation", "Gives a conversation a title.", static operation =>
        {
            operation.RequestBody = new OpenApiRequestBody { Required = true, Content = Schemas.Content("application/json", Schemas.Object(null, ("title", Schemas.String()))) };
            DescribeOne(operation, "The conversation.", Schemas.Conversation());
        });
        routes.MapTenant("DELETE", One, static context => Api(context).Delete(context), Tag, "deleteConversation", "Cancels what runs in a conversation and forgets it.", static operation =>
            DescribeOne(operation, "It is gone.", Schemas.Object(null, ("id", Schemas.String()), ("object", Schemas.String()), ("deleted", Schemas.Boolean()))));
    }

    private static void DescribeOne(OpenApiOperation operation, string description, OpenApiSchema schema)
    {
        operation.Parameters = [Schemas.Path("name", "The conversation's name; it may hold slashes.")];
        operation.Responses!.Add("200", Schemas.Json(description, schema));
    }

    private static ConversationsApi Api(HttpContext context) => context.RequestServices.GetRequiredService<ConversationsApi>();

    private async Task List(HttpContext context)
    {
        var limit = Limit(context.Request.Query["limit"].ToString());
        var after = context.Request.Query["after"].ToString();
        var index = grains.Grain<IConversationIndexGrain>(Call.TenantOf(context));
        var found = await index.List(after.Length == 0 ? null : after, limit);
        // A full page may be the last one; whether it is takes one more look.
        var more = found.Count == limit && (await index.List(found[^1].Name, 1)).Count > 0;
        await JsonResponse.Write(context, (found, more), static (writer, page) =>
        {
            writer.WriteStartObject();
            writer.WriteString("object"u8, "list"u8);
            writer.WriteStartArray("data"u8);
            foreach (var summary in page.found)
            {
                writer.WriteStartObject();
                WriteSummary(writer, summary);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
            writer.WriteString("first_id"u8, page.found.Count > 0 ? page.found[0].Name : null);
            writer.WriteString("last_id"u8, page.found.Count > 0 ? page.found[^1].Name : null);
            writer.WriteBoolean("has_more"u8, page.more);
            writer.WriteEndObject();
        });
    }

    private async Task Read(HttpContext context)
    {
        var (_, grain) = Find(context);
        await JsonResponse.Write(context, await Snapshot(context, grain), static (writer, conversation) =>
        {
            writer.WriteStartObject();
            WriteSummary(writer, conversation.Summary);
            writer.WriteStartArray("data"u8);
            foreach (var turn in conversation.Turns) TurnJson.Write(writer, turn, withPrompt: true);
            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    }

    private async Task Rename(HttpContext context)
    {
        var (_, grain) = Find(context);
        var title = await JsonBody.Read(context, options.MaxBodyBytes, static (root, _) =>
            JsonInput.String(JsonInput.Member(root, "title", JsonPlace.Root), JsonPlace.Root["title"], 1, MaxTitle));
        await grain.Rename(Call.TenantOf(context), title);
        var conversation = await Snapshot(context, grain);
        await JsonResponse.Write(context, conversation.Summary, static (writer, summary) =>
        {
            writer.WriteStartObject();
            WriteSummary(writer, summary);
            writer.WriteEndObject();
        });
    }

    private async Task Delete(HttpContext context)
    {
        var (name, grain) = Find(context);
        await grain.Delete(Call.TenantOf(context));
        await JsonResponse.Write(context, name, static (writer, name) =>
        {
            writer.WriteStartObject();
            writer.WriteString("id"u8, name);
            writer.WriteString("object"u8, "conversation"u8);
            writer.WriteBoolean("deleted"u8, true);
            writer.WriteEndObject();
        });
    }

    private (string Name, IConversationGrain Grain) Find(HttpContext context)
    {
        var name = ConversationNames.Check(RawPath.Tail(context, Prefix, (string?)context.GetRouteValue("name") ?? ""), "name");
        return (name, grains.Grain<IConversationGrain>(TurnId.ConversationKey(Call.TenantOf(context), name)));
    }

    private static Task<ConversationSnapshot> Snapshot(HttpContext context, IConversationGrain grain) => grain.GetConversation(Call.TenantOf(context));

    private static int Limit(string text)
    {
        if (text.Length == 0) return DefaultLimit;
        if (int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var limit) && limit is > 0 and <= MaxLimit) return limit;
        throw new ClusterException(ErrorCode.InvalidRequest, $"Invalid 'limit': expected an integer from 1 to {MaxLimit}.", "limit");
    }

    private static void WriteSummary(Utf8JsonWriter writer, ConversationSummary summary)
    {
        writer.WriteString("id"u8, summary.Name);
        writer.WriteString("object"u8, "conversation"u8);
        writer.WriteString("title"u8, summary.Title);
        writer.WriteNumber("created"u8, summary.CreatedAt.ToUnixTimeSeconds());
        writer.WriteNumber("last_used"u8, summary.LastUsedAt.ToUnixTimeSeconds());
        writer.WriteNumber("turns"u8, summary.Turns);
    }
}
