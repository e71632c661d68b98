using System.Text.Json;
using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Cdb;

/// <summary>Writes answers of the Bridge: <c>{"code":200,"message":…,"data":…}</c>.</summary>
internal static class CdbJson
{
    public const string Success = "成功!";

    /// <summary>Writes a whole answer.</summary>
    /// <param name="context">The request.</param>
    /// <param name="message">What was done.</param>
    /// <param name="data">Writes the value of <c>data</c>; null: there is none.</param>
    public static Task Answer(HttpContext context, string message, Action<Utf8JsonWriter>? data = null) =>
        JsonBody.Write(context, (message, data), static (writer, answer) => Write(writer, answer.message, answer.data));

    public static void Write(Utf8JsonWriter writer, string message, Action<Utf8JsonWriter>? data)
    {
        writer.WriteStartObject();
        writer.WriteNumber("code"u8, StatusCodes.Status200OK);
        writer.WriteString("message"u8, message);
        if (data is not null)
        {
            writer.WritePropertyName("data"u8);
            data(writer);
        }
        writer.WriteEndObject();
    }

    /// <summary>Writes an object of a flag and, if it is given, a conversation.</summary>
    public static void WriteStatus(Utf8JsonWriter writer, bool? status, BridgeConversation? conversation = null)
    {
        writer.WriteStartObject();
        if (status is { } known) writer.WriteBoolean("status"u8, known);
        if (conversation is not null)
        {
            writer.WriteString("conversation_id"u8, conversation.Id);
            writer.WriteString("conversation_name"u8, conversation.Name);
        }
        writer.WriteEndObject();
    }

    public static void WriteFiles(Utf8JsonWriter writer, IEnumerable<string> files)
    {
        writer.WriteStartArray("files"u8);
        foreach (var file in files) writer.WriteStringValue(file);
        writer.WriteEndArray();
    }
}
