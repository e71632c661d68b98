using System.Text.Json;

namespace CozeCluster.Gateway.Chat;

/// <summary>Writes the extension object <c>cozecluster</c>: what a bot's reply has and OpenAI's has not.</summary>
internal static class ExtensionJson
{
    public static ReadOnlySpan<byte> Name => "cozecluster"u8;

    /// <summary>The object of a finished reply.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="ids">The turn.</param>
    /// <param name="origin">Where the reply came from, if known.</param>
    /// <param name="followUps">What the bot suggests to ask next.</param>
    /// <param name="events">Items that are neither text nor calls; null where they were told before.</param>
    public static void Write(Utf8JsonWriter writer, CompletionIds ids, ReplyOrigin? origin, IEnumerable<FollowUpItem> followUps, IEnumerable<ReplyItem>? events)
    {
        writer.WriteStartObject(Name);
        writer.WriteString("turn_id"u8, ids.TurnId);
        writer.WriteString("conversation_id"u8, ids.ConversationName);
        if (origin is not null)
        {
            writer.WriteStartObject("origin"u8);
            writer.WriteString("bot"u8, origin.BotId);
            writer.WriteString("upstream"u8, origin.Upstream);
            writer.WriteStartObject("ids"u8);
            foreach (var (name, id) in origin.Ids) writer.WriteString(name, id);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        writer.WriteStartArray("follow_ups"u8);
        foreach (var followUp in followUps) writer.WriteStringValue(followUp.Text);
        writer.WriteEndArray();
        if (events is not null)
        {
            writer.WriteStartArray("events"u8);
            foreach (var item in events) WriteEvent(writer, item);
            writer.WriteEndArray();
        }
        writer.WriteEndObject();
    }

    /// <summary>Whether an item is told as an event: it is neither content, nor the client's to act on, nor part of the end.</summary>
    public static bool IsEvent(ReplyItem item) => item is not (ImageItem or FollowUpItem or ToolCallItem { ForClient: true });

    public static void WriteEvent(Utf8JsonWriter writer, ReplyItem item)
    {
        writer.WriteStartObject();
        switch (item)
        {
            case ToolCallItem call:
                writer.WriteString("type"u8, "tool_call"u8);
                writer.WriteString("id"u8, item.Id);
                writer.WriteString("name"u8, call.Name);
                writer.WriteString("arguments"u8, call.Arguments);
                break;
            case ToolOutputItem output:
                writer.WriteString("type"u8, "tool_output"u8);
                writer.WriteString("id"u8, item.Id);
                writer.WriteString("output"u8, output.Output);
                break;
            case KnowledgeItem knowledge:
                writer.WriteString("type"u8, "knowledge"u8);
                writer.WriteString("id"u8, item.Id);
                writer.WriteString("content"u8, knowledge.Content);
                break;
            case OtherItem notice:
                writer.WriteString("type"u8, "notice"u8);
                writer.WriteString("id"u8, item.Id);
                writer.WriteString("kind"u8, notice.Kind);
                writer.WriteString("content"u8, notice.Content);
                break;
            case CardItem card:
                writer.WriteString("type"u8, "card"u8);
                writer.WriteString("id"u8, item.Id);
                writer.WriteString("content"u8, card.Content);
                break;
        }
        writer.WriteEndObject();
    }
}
