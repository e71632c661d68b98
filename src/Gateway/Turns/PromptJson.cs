using System.Text.Json;

namespace CozeCluster.Gateway.Turns;

/// <summary>Writes a stored prompt in the shape it is sent in. Bytes that came with it are told by name only.</summary>
internal static class PromptJson
{
    public static void Write(Utf8JsonWriter writer, IReadOnlyList<ChatMessage> prompt)
    {
        writer.WriteStartArray("messages"u8);
        foreach (var message in prompt) Write(writer, message);
        writer.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter writer, ChatMessage message)
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
            foreach (var call in message.ToolCalls) Write(writer, call);
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
        foreach (var part in content) Write(writer, part);
        writer.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter writer, ContentPart part)
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
                Write(writer, "image_url"u8, "url"u8, image.Source);
                break;
            case FileContent file:
                writer.WriteString("type"u8, "file"u8);
                Write(writer, "file"u8, "file_url"u8, file.Source);
                break;
            case AudioContent audio:
                writer.WriteString("type"u8, "input_audio"u8);
                Write(writer, "input_audio"u8, "url"u8, audio.Source);
                break;
        }
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, ReadOnlySpan<byte> name, ReadOnlySpan<byte> url, MediaSource source)
    {
        writer.WriteStartObject(name);
        if (source.Blob is { } blob) writer.WriteString("filename"u8, blob.Name);
        else writer.WriteString(url, source.Url);
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, ToolCall call)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, call.Id);
        writer.WriteString("type"u8, "function"u8);
        writer.WriteStartObject("function"u8);
        writer.WriteString("name"u8, call.Name);
        writer.WriteString("arguments"u8, call.Arguments);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
