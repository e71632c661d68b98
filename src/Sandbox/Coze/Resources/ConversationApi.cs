namespace CozeCluster.Sandbox.Coze;

/// <summary><c>/v1/conversation/create|retrieve</c> and <c>/v1/conversations…</c>.</summary>
internal static class ConversationApi
{
    private const int MaxMessages = 16;
    private const int MaxNameLength = 100;

    public static async Task CreateAsync(CozeContext context)
    {
        var request = await context.ReadOptionalAsync(CozeJson.Utf8.CreateConversationRequest)
            ?? new CreateConversationRequest(null, null, null, null, null);
        if (!string.IsNullOrEmpty(request.BotId)) BotSeeds.Get(request.BotId);
        CheckName(request.Name);
        var messages = request.Messages ?? [];
        RequestValidator.CheckCount(messages, "messages", MaxMessages);
        RequestValidator.CheckMessages(messages, "messages", isSaved: true);
        RequestValidator.CheckMetaData(request.MetaData, "meta_data");

        var coze = context.Coze;
        var now = coze.Time.GetUtcNow();
        var conversation = new CozeConversation(
            coze.Ids.NewConversationId(), context.Token.Account, request.BotId, coze.Ids.NewSectionId(), now)
        {
            Name = request.Name,
            MetaData = request.MetaData ?? [],
        };
        conversation.Add(messages.Select(m => MessageApi.CreateMessage(context, conversation, m, now)), now);
        coze.Add(conversation);
        await WriteAsync(context, conversation);
    }

    public static Task RetrieveAsync(CozeContext context) =>
        WriteAsync(context, context.Coze.GetConversation(context.Query("conversation_id"), context.Token));

    public static Task ListAsync(CozeContext context)
    {
        var botId = context.Query("bot_id");
        var number = context.IntQuery("page_num", defaultValue: 1, min: 1, max: int.MaxValue);
        var size = context.IntQuery("page_size", defaultValue: 50, min: 1, max: 50);
        var newestFirst = context.OptionalQuery("sort_order")?.ToUpperInvariant() is not "ASC";

        // Ids increase with time, so they also order conversations that were created in the same second.
        var all = context.Coze.Conversations
            .Where(c => c.Account == context.Token.Account && c.BotId == botId)
            .OrderBy(c => c.Id, StringComparer.Ordinal)
            .ToList();
        if (newestFirst) all.Reverse();
        var skip = (int)Math.Min(all.Count, (number - 1L) * size);
        var page = all.Skip(skip).Take(size).Select(c => c.ToObject()).ToList();
        return context.WriteDataAsync(new ConversationList(page, skip + page.Count < all.Count), CozeJson.Utf8.EnvelopeConversationList);
    }

    public static async Task UpdateAsync(CozeContext context)
    {
        var conversation = GetFromRoute(context);
        var request = await context.ReadAsync(CozeJson.Utf8.UpdateConversationRequest);
        CheckName(request.Name);
        conversation.Name = request.Name;
        await WriteAsync(context, conversation);
    }

    public static Task DeleteAsync(CozeContext context)
    {
        context.Coze.Remove(GetFromRoute(context));
        return context.WriteDataAsync(null, CozeJson.Utf8.EnvelopeNoData);
    }

    public static Task ClearAsync(CozeContext context)
    {
        var conversation = GetFromRoute(context);
        conversation.StartSection(context.Coze.Ids.NewSectionId());
        return context.WriteDataAsync(new SectionObject(conversation.SectionId, conversation.Id), CozeJson.Utf8.EnvelopeSectionObject);
    }

    private static CozeConversation GetFromRoute(CozeContext context) =>
        context.Coze.GetConversation((string)context.Http.Request.RouteValues["id"]!, context.Token);

    private static Task WriteAsync(CozeContext context, CozeConversation conversation) =>
        context.WriteDataAsync(conversation.ToObject(), CozeJson.Utf8.EnvelopeConversationObject);

    private static void CheckName(string? name)
    {
        if (name?.Length > MaxNameLength) throw CozeException.InvalidParameter($"name is longer than {MaxNameLength} characters");
    }
}
