using System.Text.Json;
using System.Text.Json.Serialization;

namespace CozeCluster.Sandbox.Coze;

/// <summary>The body of <c>POST /v3/chat</c>.</summary>
internal sealed record ChatRequest
{
    public string? BotId { get; init; }
    public string? UserId { get; init; }
    public bool Stream { get; init; }
    public bool? AutoSaveHistory { get; init; }
    public IReadOnlyList<EnterMessage>? AdditionalMessages { get; init; }
    public Dictionary<string, string>? CustomVariables { get; init; }
    public Dictionary<string, string>? MetaData { get; init; }
    public Dictionary<string, string>? ExtraParams { get; init; }
    public ShortcutCommand? ShortcutCommand { get; init; }
    public Dictionary<string, JsonElement>? Parameters { get; init; }
    public bool? EnableCard { get; init; }
    public string? PublishStatus { get; init; }
    public string? BotVersion { get; init; }
    public string? ConnectorId { get; init; }
}

/// <summary>A message in a request.</summary>
internal sealed record EnterMessage
{
    public string? Role { get; init; }
    public string? Type { get; init; }
    public string? Content { get; init; }
    public string? ContentType { get; init; }
    public Dictionary<string, string>? MetaData { get; init; }
}

internal sealed record ShortcutCommand(string? CommandId, Dictionary<string, string>? Parameters);

/// <summary>One item of an <c>object_string</c>: text or a file.</summary>
internal sealed record ObjectStringItem(string? Type, string? Text, string? FileId, string? FileUrl);

internal sealed record CancelChatRequest(string? ChatId, string? ConversationId);

internal sealed record SubmitToolOutputsRequest(IReadOnlyList<ToolOutput>? ToolOutputs, bool Stream);

internal sealed record ToolOutput(string? ToolCallId, string? Output);

/// <summary>The Chat object: the data of chat responses and of chat events.</summary>
internal sealed record ChatObject
{
    public required string Id { get; init; }
    public required string ConversationId { get; init; }
    public required string BotId { get; init; }
    public string? SectionId { get; init; }
    public long CreatedAt { get; init; }
    public long? CompletedAt { get; init; }
    public long? FailedAt { get; init; }
    public IReadOnlyDictionary<string, string>? MetaData { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ErrorObject? LastError { get; init; }

    public required string Status { get; init; }
    public RequiredAction? RequiredAction { get; init; }
    public UsageObject? Usage { get; init; }
}

internal sealed record ErrorObject(int Code, string Msg);

internal sealed record RequiredAction(string Type, SubmitToolOutputs SubmitToolOutputs);

internal sealed record SubmitToolOutputs(IReadOnlyList<ToolCall> ToolCalls);

internal sealed record ToolCall(string Id, string Type, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] ToolFunction? Function);

internal sealed record ToolFunction(string Name, string Arguments);

/// <summary>The token usage. Real servers use one of two sets of names.</summary>
internal sealed record UsageObject(int TokenCount, int? OutputCount, int? InputCount, int? OutputTokens, int? InputTokens);

/// <summary>The Message object: the data of message events and of message lists.</summary>
internal sealed record MessageObject
{
    public required string Id { get; init; }
    public required string ConversationId { get; init; }
    public string? BotId { get; init; }
    public string? ChatId { get; init; }
    public string? SectionId { get; init; }
    public required string Role { get; init; }
    public required string Type { get; init; }
    public required string Content { get; init; }
    public required string ContentType { get; init; }
    public string? ReasoningContent { get; init; }
    public IReadOnlyDictionary<string, string>? MetaData { get; init; }
    public long? CreatedAt { get; init; }
    public long? UpdatedAt { get; init; }
}

/// <summary>The content of a <c>verbose</c> message. <paramref name="Data"/> is JSON in a string.</summary>
internal sealed record VerboseContent(string MsgType, string Data);

/// <summary>The content of a <c>function_call</c> message.</summary>
internal sealed record FunctionCallContent(string Name, Dictionary<string, string> Arguments, string PluginId, string PluginName, string ApiId, string ApiName);
