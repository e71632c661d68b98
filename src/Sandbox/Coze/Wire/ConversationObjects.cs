namespace CozeCluster.Sandbox.Coze.Wire;

internal sealed record CreateConversationRequest(
    string? BotId, string? Name, IReadOnlyList<EnterMessage>? Messages, Dictionary<string, string>? MetaData, string? ConnectorId);

internal sealed record UpdateConversationRequest(string? Name);

internal sealed record ConversationObject(
    string Id, string? Name, long CreatedAt, long UpdatedAt, IReadOnlyDictionary<string, string> MetaData, string LastSectionId, string? BotId);

internal sealed record ConversationList(IReadOnlyList<ConversationObject> Conversations, bool HasMore);

internal sealed record SectionObject(string Id, string ConversationId);

internal sealed record ListMessagesRequest(string? Order, string? ChatId, string? BeforeId, string? AfterId, int? Limit);

/// <summary>Page of messages; first and last id stand beside <c>data</c>, not in it.</summary>
internal sealed record MessagePage(
    int Code, string Msg, IReadOnlyList<MessageObject> Data, string FirstId, string LastId, bool HasMore, Detail Detail);

/// <summary>Answer of <c>message/modify</c>; the result stands under <c>message</c>.</summary>
internal sealed record ModifiedMessage(int Code, string Msg, MessageObject Message, Detail Detail);

internal sealed record FileObject(string Id, long Bytes, long CreatedAt, string FileName);
