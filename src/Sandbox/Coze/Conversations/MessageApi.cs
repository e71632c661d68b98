using CozeCluster.Sandbox.Coze.Wire;

namespace CozeCluster.Sandbox.Coze.Conversations;

/// <summary><c>/v1/conversation/message/…</c>: create, list, retrieve, modify, delete.</summary>
internal static class MessageApi
{
    private const int MostListed = 50;

    /// <summary>A message as the server keeps it.</summary>
    public static MessageObject NewMessage(CozeCall call, CozeConversation conversation, EnterMessage message)
    {
        var now = call.Coze.Time.GetUtcNow().ToUnixTimeSeconds();
        return new MessageObject
        {
            Id = call.Coze.Ids.Message(),
            ConversationId = conversation.Id,
            BotId = conversation.BotId,
            SectionId = conversation.SectionId,
            Role = message.Role!,
            Type = message.Type ?? (message.Role == "user" ? "question" : "answer"),
            Content = message.Content!,
            ContentType = message.ContentType ?? "text",
            MetaData = message.MetaData,
            CreatedAt = now,
            UpdatedAt = now,
        };
    }

    public static async Task CreateAsync(CozeCall call)
    {
        var conversation = Conversation(call);
        var message = await call.ReadAsync(CozeJson.Wire.EnterMessage);
        MessageRules.Check([message], "message", saved: true);
        var kept = NewMessage(call, conversation, message);
        conversation.Add([kept], call.Coze.Time.GetUtcNow());
        await AnswerAsync(call, kept);
    }

    public static async Task ListAsync(CozeCall call)
    {
        var conversation = Conversation(call);
        var request = await call.ReadOptionalAsync(CozeJson.Wire.ListMessagesRequest) ?? new ListMessagesRequest(null, null, null, null, null);
        var limit = request.Limit ?? MostListed;
        if (limit is < 1 or > MostListed) throw new CozeException(CozeErrors.Parameters, $"limit must be 1 to {MostListed}");

        var messages = conversation.Messages.Where(m => string.IsNullOrEmpty(request.ChatId) || m.ChatId == request.ChatId).ToList();
        if (request.Order is null or "desc") messages.Reverse();
        else if (request.Order != "asc") throw new CozeException(CozeErrors.Parameters, $"order '{request.Order}' is neither desc nor asc");

        // Both bounds are places in the list as ordered: what comes before one, what comes after the other.
        if (!string.IsNullOrEmpty(request.BeforeId)) messages = messages[..Place(messages, request.BeforeId, "before_id")];
        if (!string.IsNullOrEmpty(request.AfterId)) messages = messages[(Place(messages, request.AfterId, "after_id") + 1)..];
        var page = messages.Take(limit).ToList();
        await call.WriteAsync(
            new MessagePage(0, "", page, page.FirstOrDefault()?.Id ?? "0", page.LastOrDefault()?.Id ?? "0", page.Count < messages.Count, new Detail(call.LogId)),
            CozeJson.Wire.MessagePage);
    }

    public static Task RetrieveAsync(CozeCall call) => AnswerAsync(call, Found(Conversation(call).Find(call.Query("message_id"))));

    public static async Task ModifyAsync(CozeCall call)
    {
        var conversation = Conversation(call);
        var old = Found(conversation.Find(call.Query("message_id")));
        var change = await call.ReadAsync(CozeJson.Wire.EnterMessage);
        var changed = new EnterMessage
        {
            Role = old.Role,
            Content = change.Content ?? old.Content,
            ContentType = change.ContentType ?? old.ContentType,
            MetaData = change.MetaData,
        };
        MessageRules.Check([changed], "message", saved: true);
        var kept = Found(conversation.Replace(old.Id, m => m with
        {
            Content = changed.Content!,
            ContentType = changed.ContentType!,
            MetaData = changed.MetaData ?? m.MetaData,
            UpdatedAt = call.Coze.Time.GetUtcNow().ToUnixTimeSeconds(),
        }));
        await call.WriteAsync(new ModifiedMessage(0, "", kept, new Detail(call.LogId)), CozeJson.Wire.ModifiedMessage);
    }

    public static Task DeleteAsync(CozeCall call) => AnswerAsync(call, Found(Conversation(call).Remove(call.Query("message_id"))));

    private static CozeConversation Conversation(CozeCall call) => call.Coze.Conversation(call.Query("conversation_id"), call.Token);

    private static MessageObject Found(MessageObject? message) =>
        message ?? throw new CozeException(CozeErrors.ResourceNotFound, "The message does not exist");

    private static int Place(List<MessageObject> messages, string id, string field)
    {
        var at = messages.FindIndex(m => m.Id == id);
        return at >= 0 ? at : throw new CozeException(CozeErrors.Parameters, $"{field} is no message of the conversation");
    }

    private static Task AnswerAsync(CozeCall call, MessageObject message) => call.OkAsync(message, CozeJson.Wire.EnvelopeMessageObject);
}
