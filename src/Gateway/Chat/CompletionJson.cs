using System.Text.Json;

namespace CozeCluster.Gateway.Chat;

/// <summary>Writes a whole reply as a chat completion.</summary>
internal static class CompletionJson
{
    public static void Write(Utf8JsonWriter writer, CompletionIds ids, ReplyContent content)
    {
        var completed = content.End as ReplyCompleted;
        writer.WriteStartObject();
        writer.WriteString("id"u8, ids.Completion);
        writer.WriteString("object"u8, "chat.completion"u8);
        writer.WriteNumber("created"u8, ids.Created);
        writer.WriteString("model"u8, ids.Model);
        writer.WriteStartArray("choices"u8);
        writer.WriteStartObject();
        writer.WriteNumber("index"u8, 0);
        WriteMessage(writer, ids, content, completed);
        writer.WriteNull("logprobs"u8);
        if (completed is null) writer.WriteNull("finish_reason"u8);
        else writer.WriteString("finish_reason"u8, FinishReasons.Of(completed.Reason));
        writer.WriteEndObject();
        writer.WriteEndArray();
        WriteUsage(writer, completed?.Usage);
        var origin = completed?.Origin ?? (content.End as ReplyFailed)?.Origin;
        ExtensionJson.Write(writer, ids, origin, content.Items.OfType<FollowUpItem>(), content.Items.Where(ExtensionJson.IsEvent));
        writer.WriteEndObject();
    }

    /// <summary>Token counts; zeros where the far side told none, because clients expect numbers.</summary>
    public static void WriteUsage(Utf8JsonWriter writer, Usage? usage)
    {
        writer.WriteStartObject("usage"u8);
        writer.WriteNumber("prompt_tokens"u8, usage?.InputTokens ?? 0);
        writer.WriteNumber("completion_tokens"u8, usage?.OutputTokens ?? 0);
        writer.WriteNumber("total_tokens"u8, usage?.TotalTokens ?? 0);
        writer.WriteEndObject();
    }

    /// <summary>The members of a tool call that are the same in messages and chunks.</summary>
    public static void WriteCall(Utf8JsonWriter writer, CompletionIds ids, ToolCallItem call, int ordinal)
    {
        writer.WriteString("id"u8, ToolCallIds.Of(ids.TurnId, ordinal));
        writer.WriteString("type"u8, "function"u8);
        writer.WriteStartObject("function"u8);
        writer.WriteString("name"u8, call.Name);
        writer.WriteString("arguments"u8, call.Arguments);
        writer.WriteEndObject();
    }

    private static void WriteMessage(Utf8JsonWriter writer, CompletionIds ids, ReplyContent content, ReplyCompleted? completed)
    {
        writer.WriteStartObject("message"u8);
        writer.WriteString("role"u8, "assistant"u8);
        writer.WriteString("content"u8, content.Text() ?? (completed?.Reason == FinishReason.ToolCalls ? null : ""));
        writer.WriteNull("refusal"u8);
        if (content.ReasoningText() is { } reasoning) writer.WriteString("reasoning_content"u8, reasoning);
        writer.WriteStartArray("annotations"u8);
        writer.WriteEndArray();
        var ordinal = 0;
        foreach (var call in content.Items.OfType<ToolCallItem>())
        {
            if (!call.ForClient) continue;
            if (ordinal == 0) writer.WriteStartArray("tool_calls"u8);
            writer.WriteStartObject();
            WriteCall(writer, ids, call, ordinal++);
            writer.WriteEndObject();
        }
        if (ordinal > 0) writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
