using CozeCluster.Sandbox.Coze.Bots;
using CozeCluster.Sandbox.Coze.Wire;

namespace CozeCluster.Sandbox.Coze.Conversations;

/// <summary><c>/v1/conversation/create|retrieve</c> and <c>/v1/conversations…</c>.</summary>
internal static class ConversationApi
{
    private const int MostMessages = 16;
    private const int LongestName = 100;

    public static async Task CreateAsync(CozeCall call)
    {
        var request = await call.ReadOptionalAsync(CozeJson.Wire.CreateConversationRequest) ?? new CreateConversationRequest(null, null, null, null, null);
        if (!string.IsNullOrEmpty(request.BotId)) BotFleet.Find(request.BotId);
        CheckName(request.Name);
        var messages = request.Messages ?? [];
        if (messages.Count > MostMessages) throw new CozeException(CozeErrors.TooManyMessages, $"messages holds {messages.Count} messages; at most {MostMessages} are allowed");
        MessageRules.Check(messages, "messages", saved: true);
        MessageRules.CheckMetaData(request.MetaData, "meta_data");

        var now = call.Coze.Time.GetUtcNow();
        var conversation = new CozeConversation(
            call.Coze.Ids.Conversation(), call.Token.Account, request.BotId, call.Coze.Ids.Section(), now)
        {
            Name = request.Name,
            MetaData = request.MetaData ?? [],
        };
        conversation.Add(messages.Select(m => MessageApi.NewMessage(call, conversation, m)), now);
        call.Coze.Add(conversation);
        await AnswerAsync(call, conversation);
    }

    public static Task RetrieveAsync(CozeCall call) => AnswerAsync(call, call.Coze.Conversation(call.Query("conversation_id"), call.Token));

    public static Task ListAsync(CozeCall call)
    {
        var botId = call.Query("bot_id");
        var number = call.Query("page_num", absent: 1, least: 1, most: int.MaxValue);
        var size = call.Query("page_size", absent: 50, least: 1, most: 50);
        var newestFirst = call.OptionalQuery("sort_order")?.ToUpperInvariant() is not "ASC";

        // Ids rise with time, so they order even what one second made.
        var all = call.Coze.Conversations.Where(c => c.Account == call.Token.Account && c.BotId == botId).OrderBy(c => c.Id, StringComparer.Ordinal).ToList();
        if (newestFirst) all.Reverse();
        var skip = (int)Math.Min(all.Count, (number - 1L) * size);
        var page = all.Skip(skip).Take(size).Select(c => c.ToWire()).ToList();
        return call.OkAsync(new ConversationList(page, skip + page.Count < all.Count), CozeJson.Wire.EnvelopeConversationList);
    }

    public static async Task UpdateAsync(CozeCall call)
    {
        var conversation = Named(call);
        var request = await call.ReadAsync(CozeJson.Wire.UpdateConversationRequest);
        CheckName(request.Name);
        conversation.Name = request.Name;
        await AnswerAsync(call, conversation);
    }

    public static Task DeleteAsync(CozeCall call)
    {
        call.Coze.Remove(Named(call));
        return call.OkAsync(null, CozeJson.Wire.EnvelopeNothing);
    }

    public static Task ClearAsync(CozeCall call)
    {
        var conversation = Named(call);
        conversation.Clear(call.Coze.Ids.Section());
        return call.OkAsync(new SectionObject(conversation.SectionId, conversation.Id), CozeJson.Wire.EnvelopeSectionObject);
    }

    private static CozeConversation Named(CozeCall call) => call.Coze.Conversation((string)call.Http.Request.RouteValues["id"]!, call.Token);

    private static Task AnswerAsync(CozeCall call, CozeConversation conversation) => call.OkAsync(conversation.ToWire(), CozeJson.Wire.EnvelopeConversationObject);

    private static void CheckName(string? name)
    {
        if (name?.Length > LongestName) throw new CozeException(CozeErrors.Parameters, $"name is longer than {LongestName} characters");
    }
}
