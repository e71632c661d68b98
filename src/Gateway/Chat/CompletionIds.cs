namespace CozeCluster.Gateway.Chat;

/// <summary>What stays the same in every piece of one completion.</summary>
/// <param name="TurnId">The turn.</param>
/// <param name="Model">The model asked for.</param>
/// <param name="Created">Unix time of the turn.</param>
/// <param name="ConversationName">The client's name for the conversation, if it has one.</param>
internal sealed record CompletionIds(string TurnId, string Model, long Created, string? ConversationName)
{
    /// <summary>The completion's id: the same wherever and whenever this turn is rendered.</summary>
    public string Completion { get; } = "chatcmpl-" + TurnId.AsSpan("turn_".Length).ToString();

    public static CompletionIds Of(TurnSnapshot turn) => new(turn.TurnId, turn.Model, turn.CreatedAt.ToUnixTimeSeconds(), turn.ConversationName);
}

/// <summary>OpenAI's names for the reasons a reply ends.</summary>
internal static class FinishReasons
{
    public static ReadOnlySpan<byte> Of(FinishReason reason) => reason switch
    {
        FinishReason.Length => "length"u8,
        FinishReason.ToolCalls => "tool_calls"u8,
        FinishReason.ContentFilter => "content_filter"u8,
        _ => "stop"u8,
    };
}
