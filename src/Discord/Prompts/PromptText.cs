using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace CozeCluster.Discord;

/// <summary>A prompt as one text, with its files.</summary>
/// <param name="Text">May be empty if there are files.</param>
/// <param name="Files">In order.</param>
internal sealed record PromptText(string Text, IReadOnlyList<BlobRef> Files)
{
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Combines messages into one text. Addresses of pictures and files are on lines of their own after the message's text.</summary>
    public static PromptText Of(IReadOnlyList<ChatMessage> messages, DiscordHistory history)
    {
        var included = history == DiscordHistory.Last ? Last(messages) : [.. messages.Where(HasContent)];
        var files = included.SelectMany(message => message.Content).Select(SourceOf).Select(source => source?.Blob).OfType<BlobRef>().ToList();
        return new PromptText(history == DiscordHistory.Json ? Json(included) : Transcript(included), files);
    }

    private static List<ChatMessage> Last(IReadOnlyList<ChatMessage> messages)
    {
        var last = messages.LastOrDefault(message => message.Role == ChatRole.User) ?? messages.LastOrDefault(HasContent);
        return last is null ? [] : [last];
    }

    private static string Transcript(IReadOnlyList<ChatMessage> messages) => messages is [{ Role: ChatRole.User } only]
        ? Body(only)
        : string.Join("\n\n", messages.Select(message => $"{message.Role}: {Body(message)}"));

    private static string Json(IReadOnlyList<ChatMessage> messages)
    {
        using var utf8 = new MemoryStream();
        using (var writer = new Utf8JsonWriter(utf8, Readable))
        {
            writer.WriteStartArray();
            foreach (var message in messages)
            {
                writer.WriteStartObject();
                writer.WriteString("role", message.Role.ToString().ToLowerInvariant());
                writer.WriteString("content", Body(message));
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
        }
        return Encoding.UTF8.GetString(utf8.GetBuffer().AsSpan(0, (int)utf8.Length));
    }

    private static string Body(ChatMessage message)
    {
        var lines = message.Content.Select(part => part is TextContent text ? text.Text : SourceOf(part)?.Url);
        return string.Join('\n', lines.Where(line => !string.IsNullOrEmpty(line)));
    }

    private static bool HasContent(ChatMessage message) => message.Content.Any(part => part is not TextContent { Text: "" });

    private static MediaSource? SourceOf(ContentPart part) => part switch
    {
        ImageContent image => image.Source,
        FileContent file => file.Source,
        AudioContent audio => audio.Source,
        _ => null,
    };
}
