namespace CozeCluster.Sandbox.Coze;

internal sealed record ControlError(string Error);

internal sealed record ScriptRequest(string? Script, int? Times);

internal sealed record FaultRequest(string? Path, int? Http, int? Error, string? Delay, int? Times);

internal sealed record MintTokenRequest(string? Account, IReadOnlyList<string>? Permissions, int? ExpiresInSeconds, int? Chats);

internal sealed record MintedToken(string Token, string Account, long? ExpiresAt);

internal sealed record ExpireTokenRequest(string? Token);

internal sealed record OAuthAppObject(string AppId, string KeyId, string PrivateKey, string Audience);

internal sealed record ChatRecordList(IReadOnlyList<ChatRecord> Chats);

/// <summary>One chat in the responses of the control endpoints.</summary>
internal sealed record ChatRecord
{
    public required long Sequence { get; init; }
    public required string Id { get; init; }
    public required string ConversationId { get; init; }
    public required string BotId { get; init; }
    public required string UserId { get; init; }
    public required string Token { get; init; }
    public required bool Stream { get; init; }
    public required bool AutoSaveHistory { get; init; }
    public required string Status { get; init; }
    public required bool Ended { get; init; }

    /// <summary>The end of the chat, in milliseconds of Unix time. Null: it has not ended.</summary>
    public required long? EndedAtMs { get; init; }
    public required bool ClientGone { get; init; }
    public required int DeltasProduced { get; init; }
    public required int DeltasSent { get; init; }
    public required int DeltasAfterCancel { get; init; }
    public required IReadOnlyDictionary<string, string> MetaData { get; init; }
    public required IReadOnlyList<MessageObject> Request { get; init; }
    public required IReadOnlyList<string> Answers { get; init; }
}

internal sealed record ChatCounts
{
    public required int Total { get; init; }
    public required int Running { get; init; }
    public required int Completed { get; init; }
    public required int Failed { get; init; }
    public required int RequiresAction { get; init; }
    public required int Canceled { get; init; }
    public required int ClientGone { get; init; }
    public required IReadOnlyDictionary<string, int> Refused { get; init; }
    public IReadOnlyDictionary<string, int>? ByMeta { get; init; }
}
