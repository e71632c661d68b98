using System.Text.Json;
using CozeCluster.Gateway.Chat;
using CozeCluster.Gateway.Errors;

namespace CozeCluster.Gateway.Turns;

/// <summary>Writes a turn as it stands.</summary>
internal static class TurnJson
{
    /// <param name="writer">Where to.</param>
    /// <param name="turn">The turn.</param>
    public static void Write(Utf8JsonWriter writer, TurnSnapshot turn) => Write(writer, turn, withPrompt: false);

    /// <param name="writer">Where to.</param>
    /// <param name="turn">The turn.</param>
    /// <param name="withPrompt">Whether to tell what was asked.</param>
    public static void Write(Utf8JsonWriter writer, TurnSnapshot turn, bool withPrompt)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, turn.TurnId);
        writer.WriteString("object"u8, "turn"u8);
        writer.WriteString("status"u8, NameOf(turn.Status));
        writer.WriteString("model"u8, turn.Model);
        writer.WriteString("conversation_id"u8, turn.ConversationName);
        writer.WriteNumber("created"u8, turn.CreatedAt.ToUnixTimeSeconds());
        if (turn.EndedAt is { } ended) writer.WriteNumber("ended"u8, ended.ToUnixTimeSeconds());
        else writer.WriteNull("ended"u8);
        writer.WriteString("cursor"u8, turn.Next.ToString());
        writer.WritePropertyName("error"u8);
        if (turn.End is ReplyFailed failed) ErrorRenderer.WriteObject(writer, failed.Error);
        else writer.WriteNullValue();
        if (withPrompt) PromptJson.Write(writer, turn.Prompt);
        writer.WritePropertyName("reply"u8);
        CompletionJson.Write(writer, CompletionIds.Of(turn), ReplyContent.Of(turn));
        writer.WriteEndObject();
    }

    private static ReadOnlySpan<byte> NameOf(TurnStatus status) => status switch
    {
        TurnStatus.Queued => "queued"u8,
        TurnStatus.Running => "running"u8,
        TurnStatus.Completed => "completed"u8,
        TurnStatus.Cancelled => "cancelled"u8,
        _ => "failed"u8,
    };
}
