using System.Text.Json;

namespace CozeCluster.Gateway.Images;

/// <summary>Writes images as OpenAI's API does.</summary>
internal static class ImagesJson
{
    public static void Write(Utf8JsonWriter writer, (long Created, IReadOnlyList<DrawnImage> Images, IReadOnlyList<Drawing> Drawings) response)
    {
        writer.WriteStartObject();
        writer.WriteNumber("created"u8, response.Created);
        writer.WriteStartArray("data"u8);
        foreach (var image in response.Images)
        {
            writer.WriteStartObject();
            if (image.Content is { } content) writer.WriteBase64String("b64_json"u8, content.Span);
            else writer.WriteString("url"u8, image.Url);
            if (image.RevisedPrompt is { } revised) writer.WriteString("revised_prompt"u8, revised);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        if (response.Drawings.Any(drawing => drawing.Usage is not null))
        {
            writer.WriteStartObject("usage"u8);
            writer.WriteNumber("input_tokens"u8, response.Drawings.Sum(drawing => drawing.Usage?.InputTokens ?? 0));
            writer.WriteNumber("output_tokens"u8, response.Drawings.Sum(drawing => drawing.Usage?.OutputTokens ?? 0));
            writer.WriteNumber("total_tokens"u8, response.Drawings.Sum(drawing => drawing.Usage?.TotalTokens ?? 0));
            writer.WriteEndObject();
        }
        writer.WriteStartObject("cozecluster"u8);
        writer.WriteStartArray("turns"u8);
        foreach (var drawing in response.Drawings) writer.WriteStringValue(drawing.TurnId);
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
