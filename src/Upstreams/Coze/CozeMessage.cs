using System.Text.Json;
using CozeCluster.Upstreams.Json;

namespace CozeCluster.Upstreams.Coze;

/// <summary>Coze's Message object, as far as replies need it, read in place: every field is a slice of what was received.</summary>
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

    /// <summary>What a bot says, as opposed to what it does or was asked. Servers leave the type out of deltas now and then.</summary>
    public readonly bool IsAnswer => Type.IsEmpty ? !Role.Is("user"u8) : Type.Is("answer"u8);

    /// <summary>Whether the content is text to be shown as it is: any that is not known to be something else.</summary>
    public readonly bool IsText => !(ContentType.Is("object_string"u8) || ContentType.Is("card"u8) || ContentType.Is("audio"u8));

    /// <summary>Reads a message.</summary>
    /// <returns>False if <paramref name="json"/> is JSON, but not an object.</returns>
    /// <exception cref="JsonException">It is not JSON, or cut.</exception>
    public static bool TryRead(ReadOnlySpan<byte> json, out CozeMessage message)
    {
        message = default;
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.ValueSpan;
            reader.Read();
            var value = JsonText.Of(ref reader, json);
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
