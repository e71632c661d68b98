using System.Globalization;
using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.OpenApi;
using CozeCluster.Gateway.Surfaces.Turns;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Surfaces.Conversations;

/// <summary>
/// <c>/cozecluster/v1/conversations</c>: lists, reads, renames and deletes the named conversations of a tenant. It is not below <c>/v1</c>, because OpenAI has
/// another API at <c>/v1/conversations</c>.
/// </summary>
internal sealed class ConversationsApi(IGrainFactory grains, IFleetView fleet, GatewayOptions options)
{
    private const string ListPath = "/cozecluster/v1/conversations";
    private const string OnePath = ListPath + "/{**name}";
    private const string Tag = "Conversations";
    private const int DefaultLimit = 20;
    private const int MaxLimit = 100;
    private const int MaxTitleLength = 256;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapTenant(
            "GET", ListPath, static context => Api(context).List(context),
            Tag, "listConversations", "Lists named conversations, most recently used first.", static operation =>
            {
                operation.Parameters =
                [
                    Schemas.Query("limit", Schemas.Integer($"1 to {MaxLimit}; default {DefaultLimit}.")),
                    Schemas.Query("after", Schemas.String("The last name of the previous page.")),
                ];
                operation.Responses!.Add("200", Schemas.Json("One page of conversations.", Schemas.List(Schemas.Conversation())));
            });
        routes.MapTenant(
            "GET", OnePath, static context => Api(context).Read(context),
            Tag, "readConversation", "Reads a conversation with its turns.", static operation =>
                DescribeOne(operation, "The conversation. `data` contains its turns with their prompts.", Schemas.Conversation()));
        routes.MapTenant(
            "POST", OnePath, static context => Api(context).Rename(context),
            Tag, "renameConversation", "Gives a conversation a title.", static operation =>
            {
                var body = Schemas.Object(null, ("title", Schemas.String()));
                operation.RequestBody = new OpenApiRequestBody { Required = true, Content = Schemas.Content("application/json", body) };
                DescribeOne(operation, "The conversation.", Schemas.Conversation());
            });
        routes.MapTenant(
            "DELETE", OnePath, static context => Api(context).Delete(context),
            Tag, "deleteConversation", "Deletes a conversation and cancels its turns.", static operation =>
            {
                var body = Schemas.Object(null, ("id", Schemas.String()), ("object", Schemas.String()), ("deleted", Schemas.Boolean()));
                DescribeOne(operation, "The conversation is deleted.", body);
            });
    }

    private static void DescribeOne(OpenApiOperation operation, string description, OpenApiSchema schema)
    {
        operation.Parameters = [Schemas.Path("name", "The name of the conversation. It may contain slashes.")];
        operation.Responses!.Add("200", Schemas.Json(description, schema));
    }

    private static ConversationsApi Api(HttpContext context) => context.RequestServices.GetRequiredService<ConversationsApi>();

    private async Task List(HttpContext context)
    {
        var limit = ReadLimit(context.Request.Query["limit"].ToString());
        var after = context.Request.Query["after"].ToString();
        // One more than the page shows whether there is another page.
        var listed = await grains.Grain<ITurnLogGrain>(GrainKeys.TurnLog)
            .ListConversations(RequestInfo.TenantIdOf(context), after.Length == 0 ? null : after, limit + 1);
        var found = listed.Take(limit).ToList();
        await JsonBody.Write(context, (found, hasMore: listed.Count > limit), static (writer, page) =>
        {
            writer.WriteStartObject();
            JsonBody.WriteListMembers(writer, page.found, WriteSummary);
            writer.WriteString("first_id"u8, page.found.Count > 0 ? page.found[0].Name : null);
            writer.WriteString("last_id"u8, page.found.Count > 0 ? page.found[^1].Name : null);
            writer.WriteBoolean("has_more"u8, page.hasMore);
            writer.WriteEndObject();
        });
    }

    private async Task Read(HttpContext context)
    {
        var (_, grain) = Find(context);
        var addresses = ReplyAddresses.Of(context);
        await JsonBody.Write(context, (read: await ReadSnapshot(context, grain), addresses), static (writer, conversation) =>
        {
            writer.WriteStartObject();
            WriteSummaryMembers(writer, conversation.read.Summary);
            writer.WriteStartArray("data"u8);
            foreach (var turn in conversation.read.Turns) TurnJson.Write(writer, turn, conversation.addresses, withPrompt: true);
            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    }

    private async Task Rename(HttpContext context)
    {
        var (_, grain) = Find(context);
        var title = await JsonBody.Read(context, options.MaxBodyBytes, static (root, _) =>
            JsonInput.ReadString(JsonInput.GetMember(root, "title", JsonFieldPath.Root), JsonFieldPath.Root["title"], 1, MaxTitleLength));
        await grain.Rename(RequestInfo.TenantIdOf(context), title);
        var conversation = await ReadSnapshot(context, grain);
        await JsonBody.Write(context, conversation.Summary, WriteSummary);
    }

    private async Task Delete(HttpContext context)
    {
        var (name, grain) = Find(context);
        await grain.Delete(RequestInfo.TenantIdOf(context));
        await JsonBody.Write(context, name, static (writer, name) =>
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
        var name = ConversationNames.Check(RequestPath.Read(context, "name"), "name");
        return (name, grains.Grain<IConversationGrain>(fleet.Ids.KeyOf(RequestInfo.TenantIdOf(context), name)));
    }

    private static Task<ConversationSnapshot> ReadSnapshot(HttpContext context, IConversationGrain grain) =>
        grain.GetConversation(RequestInfo.TenantIdOf(context));

    private static int ReadLimit(string text)
    {
        if (text.Length == 0) return DefaultLimit;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit is > 0 and <= MaxLimit) return limit;
        throw new ClusterException(ErrorCode.InvalidRequest, $"Invalid 'limit': expected an integer from 1 to {MaxLimit}.", "limit");
    }

    private static void WriteSummary(Utf8JsonWriter writer, ConversationSummary summary)
    {
        writer.WriteStartObject();
        WriteSummaryMembers(writer, summary);
        writer.WriteEndObject();
    }

    private static void WriteSummaryMembers(Utf8JsonWriter writer, ConversationSummary summary)
    {
        writer.WriteString("id"u8, summary.Name);
        writer.WriteString("object"u8, "conversation"u8);
        writer.WriteString("title"u8, summary.Title);
        writer.WriteNumber("created"u8, summary.CreatedAt.ToUnixTimeSeconds());
        writer.WriteNumber("last_used"u8, summary.LastUsedAt.ToUnixTimeSeconds());
        writer.WriteNumber("turns"u8, summary.Turns);
    }
}

/// <summary>The names that clients give to conversations: 1 to 256 characters without control characters.</summary>
internal static class ConversationNames
{
    private const int MaxLength = 256;

    /// <summary>Checks a name.</summary>
    /// <param name="name">The name.</param>
    /// <param name="param">The request field or header that an error names.</param>
    /// <returns>The name.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>.</exception>
    public static string Check(string name, string param)
    {
        if (name.Length is 0 or > MaxLength)
            throw new ClusterException(ErrorCode.InvalidRequest, $"Invalid '{param}': expected 1 to {MaxLength} characters, but got {name.Length}.", param);
        if (name.Any(char.IsControl))
            throw new ClusterException(ErrorCode.InvalidRequest, $"Invalid '{param}': it must not contain control characters.", param);
        return name;
    }

    /// <summary>Checks the name of a conversation in which a turn begins.</summary>
    /// <inheritdoc cref="Check"/>
    public static string CheckNew(string name, string param) => DotSegments.AreIn(name)
        ? throw new ClusterException(ErrorCode.InvalidRequest, $"Invalid '{param}': it {DotSegments.Refusal}.", param)
        : Check(name, param);

    /// <summary>Adds the name of the conversation to the headers of a response, unless it cannot be the value of a header.</summary>
    /// <param name="response">The response.</param>
    /// <param name="name">The name; null if the conversation has none.</param>
    public static void AddTo(HttpResponse response, string? name)
    {
        if (name is not null && !name.AsSpan().ContainsAnyExceptInRange('!', '~')) response.Headers["x-conversation-id"] = name;
    }
}
