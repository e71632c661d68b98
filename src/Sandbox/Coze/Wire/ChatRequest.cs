using System.Text.Json;

namespace CozeCluster.Sandbox.Coze.Wire;

/// <summary>Body of <c>POST /v3/chat</c>.</summary>
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

/// <summary>A message as clients send it.</summary>
internal sealed record EnterMessage
{
    public string? Role { get; init; }
    public string? Type { get; init; }
    public string? Content { get; init; }
    public string? ContentType { get; init; }
    public Dictionary<string, string>? MetaData { get; init; }
}

internal sealed record ShortcutCommand(string? CommandId, Dictionary<string, string>? Parameters);

/// <summary>One item of an <c>object_string</c>.</summary>
internal sealed record ObjectStringItem(string? Type, string? Text, string? FileId, string? FileUrl);

internal sealed record CancelChatRequest(string? ChatId, string? ConversationId);

internal sealed record SubmitToolOutputsRequest(IReadOnlyList<ToolOutput>? ToolOutputs, bool Stream);

internal sealed record ToolOutput(string? ToolCallId, string? Output);
