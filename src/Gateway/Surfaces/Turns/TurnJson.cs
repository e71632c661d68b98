using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Chat;

namespace CozeCluster.Gateway.Surfaces.Turns;

/// <summary>Writes turns with their replies so far.</summary>
internal static class TurnJson
{
    public static void Write(Utf8JsonWriter writer, (TurnSnapshot Turn, ReplyAddresses Addresses) value) =>
        Write(writer, value.Turn, value.Addresses, withPrompt: false);

    /// <param name="writer">The writer.</param>
    /// <param name="turn">The turn.</param>
    /// <param name="addresses">The addresses of files.</param>
    /// <param name="withPrompt">Whether to write the prompt too.</param>
    public static void Write(Utf8JsonWriter writer, TurnSnapshot turn, ReplyAddresses addresses, bool withPrompt)
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
        CompletionJson.Write(writer, CompletionInfo.Of(turn), ReplyContent.Of(turn, addresses));
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

/// <summary>Writes a stored prompt in the format of a chat completion request. Of stored media, only the file name is written.</summary>
internal static class PromptJson
{
    public static void Write(Utf8JsonWriter writer, IReadOnlyList<ChatMessage> prompt)
    {
        writer.WriteStartArray("messages"u8);
        foreach (var message in prompt) WriteMessage(writer, message);
        writer.WriteEndArray();
    }

    private static void WriteMessage(Utf8JsonWriter writer, ChatMessage message)
    {
        writer.WriteStartObject();
        writer.WriteString("role"u8, message.Role switch
        {
            ChatRole.System => "system"u8,
            ChatRole.Assistant => "assistant"u8,
            ChatRole.Tool => "tool"u8,
            _ => "user"u8,
        });
        if (message.ToolCallId is { } id) writer.WriteString("tool_call_id"u8, id);
        WriteContent(writer, message.Content);
        if (message.ToolCalls.Count > 0)
        {
            writer.WriteStartArray("tool_calls"u8);
            foreach (var call in message.ToolCalls)
            {
                writer.WriteStartObject();
                CompletionJson.WriteToolCall(writer, call.Id, call.Name, call.Arguments);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
        }
        writer.WriteEndObject();
    }

    private static void WriteContent(Utf8JsonWriter writer, IReadOnlyList<ContentPart> content)
    {
        switch (content)
        {
            case []:
                writer.WriteNull("content"u8);
                return;
            case [TextContent only]:
                writer.WriteString("content"u8, only.Text);
                return;
        }
        writer.WriteStartArray("content"u8);
        foreach (var part in content) WritePart(writer, part);
        writer.WriteEndArray();
    }

    private static void WritePart(Utf8JsonWriter writer, ContentPart part)
    {
        writer.WriteStartObject();
        switch (part)
        {
            case TextContent text:
                writer.WriteString("type"u8, "text"u8);
                writer.WriteString("text"u8, text.Text);
                break;
            case ImageContent image:
                writer.WriteString("type"u8, "image_url"u8);
                WriteSource(writer, "image_url"u8, "url"u8, image.Source);
                break;
            case FileContent file:
                writer.WriteString("type"u8, "file"u8);
                WriteSource(writer, "file"u8, "file_url"u8, file.Source);
                break;
            case AudioContent audio:
                writer.WriteString("type"u8, "input_audio"u8);
                WriteSource(writer, "input_audio"u8, "url"u8, audio.Source);
                break;
        }
        writer.WriteEndObject();
    }

    private static void WriteSource(Utf8JsonWriter writer, ReadOnlySpan<byte> name, ReadOnlySpan<byte> urlName, MediaSource source)
    {
        writer.WriteStartObject(name);
        if (source.Blob is { } blob) writer.WriteString("filename"u8, blob.Name);
        else writer.WriteString(urlName, source.Url);
        writer.WriteEndObject();
    }
}
