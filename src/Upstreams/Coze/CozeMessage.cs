using System.Text.Json;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.Coze;

/// <summary>The fields of Coze's Message object that replies need. Each field is a slice of the received JSON: reading a message allocates nothing.</summary>
internal ref struct CozeMessage
{
    public JsonText Id;
    public JsonText ConversationId;
    public JsonText ChatId;
    public JsonText BotId;
    public JsonText Role;
    public JsonText Type;
    public JsonText Content;
    public JsonText ContentType;
    public JsonText Reasoning;

    /// <summary>
    /// Whether this is an answer of the bot, in contrast to a tool call, a question of the user and so on. Some servers omit the type in deltas. A question of
    /// the bot is one of a chatflow's question nodes.
    /// </summary>
    public readonly bool IsAnswer => Type.IsEmpty ? !Role.Is("user"u8) : Type.Is("answer"u8) || (Type.Is("question"u8) && Role.Is("assistant"u8));

    /// <summary>Whether the content is text to show as it is: every content type except those known to be something else.</summary>
    public readonly bool IsText => !(ContentType.Is("object_string"u8) || ContentType.Is("card"u8) || ContentType.Is("audio"u8));

    /// <summary>Reads a message.</summary>
    /// <returns>False if <paramref name="json"/> is JSON, but not an object.</returns>
    /// <exception cref="JsonException"><paramref name="json"/> is not JSON, or is incomplete.</exception>
    public static bool TryRead(ReadOnlySpan<byte> json, out CozeMessage message)
    {
        message = default;
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.ValueSpan;
            reader.Read();
            var value = JsonText.Read(ref reader, json);
            // The length decides first, because this runs for every delta of a stream.
            switch (name.Length)
            {
                case 2 when name.SequenceEqual("id"u8):
                    message.Id = value;
                    break;
                case 4 when name.SequenceEqual("type"u8):
                    message.Type = value;
                    break;
                case 4 when name.SequenceEqual("role"u8):
                    message.Role = value;
                    break;
                case 6 when name.SequenceEqual("bot_id"u8):
                    message.BotId = value;
                    break;
                case 7 when name.SequenceEqual("content"u8):
                    message.Content = value;
                    break;
                case 7 when name.SequenceEqual("chat_id"u8):
                    message.ChatId = value;
                    break;
                case 12 when name.SequenceEqual("content_type"u8):
                    message.ContentType = value;
                    break;
                case 15 when name.SequenceEqual("conversation_id"u8):
                    message.ConversationId = value;
                    break;
                case 17 when name.SequenceEqual("reasoning_content"u8):
                    message.Reasoning = value;
                    break;
            }
        }
        return true;
    }
}
