namespace CozeCluster.Sandbox.Coze;

/// <summary>The JSON object around the data of each response. Code 0 means success.</summary>
internal sealed record Envelope<T>(int Code, string Msg, T? Data, Detail Detail);

internal sealed record Detail(string Logid);

/// <summary>A response without data.</summary>
internal sealed record NoData;

internal sealed record OAuthTokenRequest(string? GrantType, long? DurationSeconds);

/// <summary>An access token. <paramref name="ExpiresIn"/> is an absolute Unix time, as on the real server.</summary>
internal sealed record OAuthToken(string AccessToken, long ExpiresIn, string TokenType);

internal sealed record OAuthError(string ErrorCode, string ErrorMessage, string Error);

internal sealed record JwtHeader(string? Alg, string? Typ, string? Kid);

internal sealed record JwtClaims(string? Iss, string? Aud, long? Iat, long? Exp, string? Jti, string? SessionName);

internal sealed record CreateConversationRequest(
    string? BotId, string? Name, IReadOnlyList<EnterMessage>? Messages, Dictionary<string, string>? MetaData, string? ConnectorId);

internal sealed record UpdateConversationRequest(string? Name);

internal sealed record ConversationObject(
    string Id, string? Name, long CreatedAt, long UpdatedAt, IReadOnlyDictionary<string, string> MetaData, string LastSectionId, string? BotId);

internal sealed record ConversationList(IReadOnlyList<ConversationObject> Conversations, bool HasMore);

internal sealed record SectionObject(string Id, string ConversationId);

internal sealed record ListMessagesRequest(string? Order, string? ChatId, string? BeforeId, string? AfterId, int? Limit);

/// <summary>A page of messages. The first and last ids are next to <c>data</c>, not in it.</summary>
internal sealed record MessagePage(
    int Code, string Msg, IReadOnlyList<MessageObject> Data, string FirstId, string LastId, bool HasMore, Detail Detail);

/// <summary>The response of <c>message/modify</c>. The result is in <c>message</c>.</summary>
internal sealed record ModifiedMessage(int Code, string Msg, MessageObject Message, Detail Detail);

internal sealed record FileObject(string Id, long Bytes, long CreatedAt, string FileName);

internal sealed record BotList(IReadOnlyList<BotItem> Items, int Total);

internal sealed record BotItem(string Id, string Name, string Description, string IconUrl, bool IsPublished, long UpdatedAt, string OwnerUserId);

internal sealed record PublishedBotList(IReadOnlyList<PublishedBot> SpaceBots, int Total);

internal sealed record PublishedBot(string BotId, string BotName, string Description, string IconUrl, string PublishTime);

internal sealed record BotDetail(
    string BotId, string Name, string Description, string IconUrl, long CreateTime, long UpdateTime, string Version, BotPrompt PromptInfo, int BotMode);

internal sealed record BotPrompt(string Prompt);

internal sealed record WorkspaceList(IReadOnlyList<Workspace> Workspaces, int TotalCount);

internal sealed record Workspace(string Id, string Name, string IconUrl, string RoleType, string WorkspaceType);
