using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;

namespace CozeCluster.Gateway.Surfaces.Rca;

/// <summary>
/// The text of a reply while it grows. Each object that a client receives has the whole text so far, so the bytes of a long reply would grow with the square of
/// its length. Therefore an object is due only when the text has grown by a part, or when the last one is some time ago.
/// </summary>
internal sealed class RcaText(ReplyAddresses addresses, TimeProvider time)
{
    /// <summary>The text so far is sent again when it is longer by this part.</summary>
    private const int GrowthPart = 64;

    /// <summary>After this time, new text is due in any case.</summary>
    public static readonly TimeSpan DueAfter = TimeSpan.FromMilliseconds(100);

    private readonly ReplyContent _content = new(addresses);
    private int _newChars;
    private int _sentLength;
    private long? _sentAt;

    /// <summary>The event that ended the reply; null while it has not ended.</summary>
    public ReplyEvent? End => _content.End;

    /// <summary>Whether there is text that <see cref="TakeDue"/> has not returned.</summary>
    public bool HasNew => _newChars > 0;

    /// <summary>The text so far.</summary>
    public string Current => _content.BuildText() ?? "";

    public void Add(ReplyBatch batch)
    {
        _content.Add(batch);
        foreach (var replyEvent in batch.Events)
        {
            _newChars += replyEvent switch
            {
                ReplyText text => text.Text.Length,
                ReplyItemAdded { Item: ImageItem image } => image.Url.Length,
                ReplyRewritten => 1,
                _ => 0,
            };
        }
    }

    /// <summary>Takes the text so far if it is due.</summary>
    /// <param name="isIdle">Whether all new text is due, because nothing else may come for some time.</param>
    /// <returns>The text; null if it is not due, or not new.</returns>
    public string? TakeDue(bool isIdle)
    {
        if (_newChars == 0) return null;
        if (!isIdle && _sentAt is { } sentAt && time.GetElapsedTime(sentAt) < DueAfter && _newChars <= _sentLength / GrowthPart) return null;
        var text = Current;
        (_newChars, _sentLength, _sentAt) = (0, text.Length, time.GetTimestamp());
        return text;
    }

    /// <summary>Why a reply that has ended is not whole; null if it is, or if it has not ended.</summary>
    public static Error? FindFailure(ReplyEvent? end) => end switch
    {
        ReplyFailed failed => failed.Error,
        ReplyCompleted { Reason: FinishReason.ToolCalls } => new Error(
            ErrorCode.UpstreamProtocol, "The bot waits for the result of a tool of its client, which this API cannot send. Use /v1/chat/completions."),
        _ => null,
    };
}

/// <summary>Writes the objects of Real-Coze-API.</summary>
internal static class RcaJson
{
    /// <summary>The type of stored replies and streams.</summary>
    public const string ContentType = "application/json; charset=utf-8";

    /// <summary>The only type of replies that the old servers passed on: what the assistant says.</summary>
    private const int AnswerType = 1;

    // Old clients find the end of an object in a stream by its brace, also if the brace is in a text.
    private static readonly JsonWriterOptions StreamOptions = new() { Encoder = CreateStreamEncoder(), SkipValidation = true };

    /// <summary>Writes <c>{"content":…,"continue":…,"reply_type":1}</c>.</summary>
    public static void WriteReply(Utf8JsonWriter writer, string text, bool isGrowing)
    {
        writer.WriteStartObject();
        writer.WriteString("content"u8, text);
        writer.WriteBoolean("continue"u8, isGrowing);
        writer.WriteNumber("reply_type"u8, AnswerType);
        writer.WriteEndObject();
    }

    /// <summary>The members of a failure: <c>"success":false,"data":{},"errmsg":…</c>.</summary>
    public static void WriteFailure(Utf8JsonWriter writer, Error error)
    {
        writer.WriteBoolean("success"u8, false);
        writer.WriteStartObject("data"u8);
        writer.WriteEndObject();
        writer.WriteString("errmsg"u8, error.Message);
    }

    /// <summary>An object of a stream. A closing brace is only at its end.</summary>
    public static ReadOnlySpan<byte> ForStream(string text, bool isGrowing) => Build(StreamOptions, writer => WriteReply(writer, text, isGrowing));

    /// <summary>A message of a WebSocket with a reply.</summary>
    public static ReadOnlyMemory<byte> ForSocket(string uuid, string text, bool isGrowing) => Build(JsonBody.WriterOptions, writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("uuid"u8, uuid);
        writer.WritePropertyName("data"u8);
        WriteReply(writer, text, isGrowing);
        writer.WriteEndObject();
    });

    /// <summary>A message of a WebSocket with a failure.</summary>
    public static ReadOnlyMemory<byte> ForSocket(string uuid, Error error) => Build(JsonBody.WriterOptions, writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("uuid"u8, uuid);
        WriteFailure(writer, error);
        writer.WriteEndObject();
    });

    private static byte[] Build(JsonWriterOptions options, Action<Utf8JsonWriter> write)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes, options)) write(writer);
        return bytes.WrittenSpan.ToArray();
    }

    private static JavaScriptEncoder CreateStreamEncoder()
    {
        var settings = new TextEncoderSettings(UnicodeRanges.All);
        settings.ForbidCharacter('}');
        return JavaScriptEncoder.Create(settings);
    }
}
