using System.Text.Json.Serialization;

namespace CozeCluster.Sandbox.Coze.Wire;

/// <summary>The Chat object: the answer of chat calls and the data of chat events.</summary>
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

internal sealed record ToolCall(string Id, string Type, ToolFunction Function);

internal sealed record ToolFunction(string Name, string Arguments);

/// <summary>Usage under either of the two sets of names real servers use.</summary>
internal sealed record UsageObject(int TokenCount, int? OutputCount, int? InputCount, int? OutputTokens, int? InputTokens);

/// <summary>The Message object: data of message events and of the message lists.</summary>
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

/// <summary>Content of a <c>verbose</c> message; <paramref name="Data"/> is JSON inside a string.</summary>
internal sealed record VerboseContent(string MsgType, string Data);

/// <summary>Content of a <c>function_call</c> message.</summary>
internal sealed record FunctionCallContent(string Name, Dictionary<string, string> Arguments, string PluginId, string PluginName, string ApiId, string ApiName);
