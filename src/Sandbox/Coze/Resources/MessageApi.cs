namespace CozeCluster.Sandbox.Coze;

/// <summary><c>/v1/conversation/message/…</c>: create, list, retrieve, modify, delete.</summary>
internal static class MessageApi
{
    private const int MaxListed = 50;

    /// <summary>Creates the message object for a message of a request.</summary>
    public static MessageObject CreateMessage(CozeContext context, CozeConversation conversation, EnterMessage message, DateTimeOffset now) => new()
    {
        Id = context.Coze.Ids.NewMessageId(),
        ConversationId = conversation.Id,
        BotId = conversation.BotId,
        SectionId = conversation.SectionId,
        Role = message.Role!,
        Type = message.Type ?? (message.Role == "user" ? "question" : "answer"),
        Content = message.Content!,
        ContentType = message.ContentType ?? "text",
        MetaData = message.MetaData,
        CreatedAt = now.ToUnixTimeSeconds(),
        UpdatedAt = now.ToUnixTimeSeconds(),
    };

    public static async Task CreateAsync(CozeContext context)
    {
        var conversation = GetConversation(context);
        var message = await context.ReadAsync(CozeJson.Utf8.EnterMessage);
        RequestValidator.CheckMessages([message], "message", isSaved: true);
        var now = context.Coze.Time.GetUtcNow();
        var created = CreateMessage(context, conversation, message, now);
        conversation.Add([created], now);
        await WriteAsync(context, created);
    }

    public static async Task ListAsync(CozeContext context)
    {
        var conversation = GetConversation(context);
        var request = await context.ReadOptionalAsync(CozeJson.Utf8.ListMessagesRequest) ?? new ListMessagesRequest(null, null, null, null, null);
        var limit = request.Limit ?? MaxListed;
        if (limit is < 1 or > MaxListed) throw CozeException.InvalidParameter($"limit must be 1 to {MaxListed}");

        var messages = conversation.Messages.Where(m => string.IsNullOrEmpty(request.ChatId) || m.ChatId == request.ChatId).ToList();
        if (request.Order is null or "desc") messages.Reverse();
        else if (request.Order != "asc") throw CozeException.InvalidParameter($"order '{request.Order}' is neither desc nor asc");

        // Both ids are positions in the ordered list: the page ends before before_id and starts after after_id.
        if (!string.IsNullOrEmpty(request.BeforeId)) messages = messages[..IndexOf(messages, request.BeforeId, "before_id")];
        if (!string.IsNullOrEmpty(request.AfterId)) messages = messages[(IndexOf(messages, request.AfterId, "after_id") + 1)..];
        var page = messages.Take(limit).ToList();
        var (firstId, lastId) = (page.FirstOrDefault()?.Id ?? "0", page.LastOrDefault()?.Id ?? "0");
        await context.WriteAsync(
            new MessagePage(0, "", page, firstId, lastId, page.Count < messages.Count, new Detail(context.LogId)), CozeJson.Utf8.MessagePage);
    }

    public static Task RetrieveAsync(CozeContext context) =>
        WriteAsync(context, Required(GetConversation(context).Find(context.Query("message_id"))));

    public static async Task ModifyAsync(CozeContext context)
    {
        var conversation = GetConversation(context);
        var old = Required(conversation.Find(context.Query("message_id")));
        var request = await context.ReadAsync(CozeJson.Utf8.EnterMessage);
        var changed = new EnterMessage
        {
            Role = old.Role,
            Content = request.Content ?? old.Content,
            ContentType = request.ContentType ?? old.ContentType,
            MetaData = request.MetaData,
        };
        RequestValidator.CheckMessages([changed], "message", isSaved: true);
        var modified = Required(conversation.Replace(old.Id, m => m with
        {
            Content = changed.Content!,
            ContentType = changed.ContentType!,
            MetaData = changed.MetaData ?? m.MetaData,
            UpdatedAt = context.Coze.Time.GetUtcNow().ToUnixTimeSeconds(),
        }));
        await context.WriteAsync(new ModifiedMessage(0, "", modified, new Detail(context.LogId)), CozeJson.Utf8.ModifiedMessage);
    }

    public static Task DeleteAsync(CozeContext context) =>
        WriteAsync(context, Required(GetConversation(context).Remove(context.Query("message_id"))));

    private static CozeConversation GetConversation(CozeContext context) =>
        context.Coze.GetConversation(context.Query("conversation_id"), context.Token);

    private static MessageObject Required(MessageObject? message) =>
        message ?? throw new CozeException(CozeErrorCodes.ResourceNotFound, "The message does not exist");

    private static int IndexOf(List<MessageObject> messages, string id, string field)
    {
        var index = messages.FindIndex(m => m.Id == id);
        return index >= 0 ? index : throw CozeException.InvalidParameter($"{field} is not a message of the conversation");
    }

    private static Task WriteAsync(CozeContext context, MessageObject message) => context.WriteDataAsync(message, CozeJson.Utf8.EnvelopeMessageObject);
}
