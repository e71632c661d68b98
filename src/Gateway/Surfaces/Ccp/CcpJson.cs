using System.Globalization;
using System.Text;
using System.Text.Json;
using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Chat;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Ccp;

/// <summary>Writes responses as coze-chat-proxy wrote them.</summary>
internal static class CcpJson
{
    public static void WriteGreeting(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("message"u8, "Hello world! This is coze-chat-proxy."u8);
        writer.WriteEndObject();
    }

    public static void WriteCompletion(Utf8JsonWriter writer, CompletionInfo info, ReplyContent content)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, info.CompletionId);
        writer.WriteString("object"u8, "chat.completion"u8);
        writer.WriteNumber("created"u8, info.Created);
        writer.WriteString("model"u8, info.Model);
        CompletionJson.WriteUsage(writer, (content.End as ReplyCompleted)?.Usage);
        writer.WriteStartArray("choices"u8);
        writer.WriteStartObject();
        writer.WriteStartObject("message"u8);
        writer.WriteString("role"u8, "assistant"u8);
        writer.WriteString("content"u8, content.BuildText() ?? "");
        writer.WriteEndObject();
        writer.WriteString("finish_reason"u8, CompletionJson.NameOf((content.End as ReplyCompleted)?.Reason ?? FinishReason.Stop));
        writer.WriteNumber("index"u8, 0);
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    public static void WriteImages(Utf8JsonWriter writer, (long Created, IReadOnlyList<CcpImage> Images) response)
    {
        writer.WriteStartObject();
        writer.WriteNumber("created"u8, response.Created);
        writer.WriteStartArray("data"u8);
        foreach (var image in response.Images)
        {
            writer.WriteStartObject();
            writer.WriteString("url"u8, image.Url);
            writer.WriteBase64String("b64_json"u8, image.Content.Span);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}

/// <summary>Renders a reply as coze-chat-proxy streamed it: no chunk with a role, an empty <c>finish_reason</c> in each, and <c>stop</c> in the last.</summary>
internal sealed class CcpStream(CompletionInfo info, ReplyAddresses addresses, bool errorText)
    : TextStream(Encoding.UTF8.GetBytes(HeadOf(info)), "\"},\"index\":0,\"finish_reason\":\"\"}]}"u8.ToArray(), addresses, errorText)
{
    public override void RenderStart(SseWriter writer)
    {
    }

    protected override void WriteEnd(SseWriter writer, ReplyCompleted completed)
    {
        writer.WriteText(
            null, Encoding.UTF8.GetBytes(HeadOf(info)), "",
            [.. "\"},\"index\":0,\"finish_reason\":\""u8, .. CompletionJson.NameOf(completed.Reason), .. "\"}]}"u8]);
        writer.WriteData(null, "[DONE]"u8);
    }

    protected override void WriteError(SseWriter writer, Error error) =>
        writer.WriteJson(error, static (json, error) => CcpErrors.WriteDetail(json, error, drawsImage: false));

    private static string HeadOf(CompletionInfo info)
    {
        var model = JsonEncodedText.Encode(info.Model, JsonBody.WriterOptions.Encoder);
        var head = string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"id":"{{info.CompletionId}}","object":"chat.completion.chunk","created":{{info.Created}},"model":"{{model}}","choices":""");
        return head + "[{\"delta\":{\"content\":\"";
    }
}

/// <summary>Writes errors as coze-chat-proxy did: a flat object for a wrong key, <c>{"detail":…}</c> for all others.</summary>
internal sealed class CcpErrors : IErrorShape
{
    public int StatusOf(HttpContext context, Error error) => error.Code switch
    {
        // The old system answered these two with 200.
        ErrorCode.InvalidRequest or ErrorCode.ModelNotFound => StatusCodes.Status200OK,
        _ => ErrorTable.Of(error.Code).Status is var status && status is >= 500 and not StatusCodes.Status503ServiceUnavailable
            ? StatusCodes.Status500InternalServerError
            : status,
    };

    public void WriteBody(HttpContext context, Utf8JsonWriter writer, Error error)
    {
        if (error.Code != ErrorCode.InvalidApiKey)
        {
            WriteDetail(writer, error, context.Request.Path.StartsWithSegments("/v1/images", StringComparison.OrdinalIgnoreCase));
            return;
        }
        writer.WriteStartObject();
        writer.WriteString("message"u8, error.Message);
        writer.WriteString("type"u8, "invalid_request_error"u8);
        writer.WriteNull("param"u8);
        if (ApiKeys.Read(context.Request).IsEmpty) writer.WriteNull("code"u8);
        else writer.WriteString("code"u8, "invalid_api_key"u8);
        writer.WriteEndObject();
    }

    /// <summary>Writes the old system's words for an error, and ours as <c>message</c> where there were such words.</summary>
    public static void WriteDetail(Utf8JsonWriter writer, Error error, bool drawsImage)
    {
        var known = error.Code switch
        {
            ErrorCode.InvalidRequest => "Invalid parameter",
            ErrorCode.ModelNotFound => "model is not supported",
            ErrorCode.UpstreamTimeout when drawsImage => "time out",
            ErrorCode.NoImage => "no data generated",
            _ => null,
        };
        writer.WriteStartObject();
        writer.WriteString("detail"u8, known ?? error.Message);
        if (known is not null) writer.WriteString("message"u8, error.Message);
        writer.WriteEndObject();
    }
}
