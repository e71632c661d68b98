using System.Globalization;
using System.Text;
using System.Text.Json;
using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Chat;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Cdb;

/// <summary>A chat completion as the Bridge wrote it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Model">The requested model.</param>
/// <param name="Created">When it was created, in Unix seconds.</param>
internal sealed record CdbCompletion(string Id, string Model, long Created)
{
    /// <summary>
    /// Writes a whole reply. The Bridge had its text in <c>delta</c> and the token counts in the choice; both are also where other clients look for them.
    /// </summary>
    public void Write(Utf8JsonWriter writer, ReplyContent content)
    {
        var text = content.BuildText() ?? "";
        var usage = (content.End as ReplyCompleted)?.Usage;
        writer.WriteStartObject();
        writer.WriteString("id"u8, Id);
        writer.WriteString("object"u8, "chat.completion"u8);
        writer.WriteNumber("created"u8, Created);
        writer.WriteString("model"u8, Model);
        writer.WriteStartArray("choices"u8);
        writer.WriteStartObject();
        writer.WriteNumber("index"u8, 0);
        writer.WritePropertyName("delta"u8);
        WriteMessage(writer, text);
        writer.WritePropertyName("message"u8);
        WriteMessage(writer, text);
        writer.WriteString("finish_reason"u8, CompletionJson.NameOf((content.End as ReplyCompleted)?.Reason ?? FinishReason.Stop));
        CompletionJson.WriteUsage(writer, usage);
        writer.WriteEndObject();
        writer.WriteEndArray();
        CompletionJson.WriteUsage(writer, usage);
        writer.WriteEndObject();
    }

    /// <summary>The beginning of every chunk, up to and including the bracket of <c>choices</c>.</summary>
    public string HeadOfChunk()
    {
        var encoder = JsonBody.WriterOptions.Encoder;
        var (id, model) = (JsonEncodedText.Encode(Id, encoder), JsonEncodedText.Encode(Model, encoder));
        return string.Create(
            CultureInfo.InvariantCulture, $$"""{"id":"{{id}}","object":"chat.completion.chunk","created":{{Created}},"model":"{{model}}","choices":[""");
    }

    private static void WriteMessage(Utf8JsonWriter writer, string text)
    {
        writer.WriteStartObject();
        writer.WriteString("role"u8, "assistant"u8);
        writer.WriteString("content"u8, text);
        writer.WriteEndObject();
    }
}

/// <summary>Renders a reply as the Bridge streamed it: a chunk with the role, chunks with text, and no chunk with a <c>finish_reason</c>.</summary>
internal sealed class CdbCompletionStream(HttpContext context, CdbCompletion completion, ReplyAddresses addresses, bool errorText)
    : TextStream(Encoding.UTF8.GetBytes(completion.HeadOfChunk() + ContentHead), "\"}}]}"u8.ToArray(), addresses, errorText)
{
    private const string ContentHead = "{\"index\":0,\"delta\":{\"content\":\"";

    public override void RenderStart(SseWriter writer) =>
        writer.WriteData(null, Encoding.UTF8.GetBytes(completion.HeadOfChunk() + "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}"));

    protected override void WriteEnd(SseWriter writer, ReplyCompleted completed)
    {
        // The Bridge had no such chunk. Without it, a reply that a limit cut would look whole.
        if (completed.Reason is FinishReason.Length or FinishReason.ContentFilter)
        {
            var end = $"{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"{Encoding.UTF8.GetString(CompletionJson.NameOf(completed.Reason))}\"}}]}}";
            writer.WriteData(null, Encoding.UTF8.GetBytes(completion.HeadOfChunk() + end));
        }
        writer.WriteData(null, "[DONE]"u8);
    }

    protected override void WriteError(SseWriter writer, Error error) =>
        writer.WriteJson(error, (json, error) => new CdbErrors().WriteBody(context, json, error));
}
