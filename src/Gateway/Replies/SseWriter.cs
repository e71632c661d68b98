using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Unicode;
using CozeCluster.Gateway.Http;

namespace CozeCluster.Gateway.Replies;

/// <summary>Writes server-sent events, for every surface. Nothing is sent before <see cref="Flush"/>. Text events are written without allocations.</summary>
internal sealed class SseWriter(PipeWriter body) : IDisposable
{
    private const int MaxSliceChars = 1024;
    private Utf8JsonWriter? _json;

    private static ReadOnlySpan<byte> EventEnd => "\n\n"u8;

    /// <summary>Writes an event whose data is constant JSON around a text.</summary>
    /// <param name="id">The cursor after the event; null if the event does not move the cursor.</param>
    /// <param name="head">The JSON up to and including the text's opening quote.</param>
    /// <param name="text">The text, not escaped.</param>
    /// <param name="tail">The JSON from the text's closing quote to the end.</param>
    public void WriteText(Cursor? id, ReadOnlySpan<byte> head, ReadOnlySpan<char> text, ReadOnlySpan<byte> tail)
    {
        BeginEvent(id);
        WriteRaw(head);
        while (text.Length > MaxSliceChars)
        {
            // Never split a surrogate pair.
            var length = char.IsHighSurrogate(text[MaxSliceChars - 1]) ? MaxSliceChars - 1 : MaxSliceChars;
            body.Advance(JsonText.Escape(text[..length], body.GetSpan(length * JsonText.MaxBytesPerChar)));
            text = text[length..];
        }
        // Most texts are shorter than a slice, so one buffer for the rest and the end is one buffer for everything.
        var span = body.GetSpan(text.Length * JsonText.MaxBytesPerChar + tail.Length + EventEnd.Length);
        var written = JsonText.Escape(text, span);
        tail.CopyTo(span[written..]);
        EventEnd.CopyTo(span[(written + tail.Length)..]);
        body.Advance(written + tail.Length + EventEnd.Length);
    }

    /// <summary>Writes an event whose data is complete.</summary>
    /// <param name="id">The cursor after the event; null if the event does not move the cursor.</param>
    /// <param name="data">The data, without line breaks.</param>
    public void WriteData(Cursor? id, ReadOnlySpan<byte> data)
    {
        BeginEvent(id);
        WriteRaw(data);
        EndEvent();
    }

    /// <summary>Writes an event whose data is one JSON value, and which does not move the cursor.</summary>
    public void WriteJson<T>(T value, Action<Utf8JsonWriter, T> write)
    {
        BeginEvent(null);
        var json = GetJsonWriter();
        write(json, value);
        json.Flush();
        EndEvent();
    }

    /// <summary>
    /// Begins an event whose data is written in pieces, with <see cref="WriteRaw"/> or <see cref="GetJsonWriter"/>, until <see cref="EndEvent"/>.
    /// </summary>
    /// <param name="id">The cursor after the event; null if the event does not move the cursor.</param>
    public void BeginEvent(Cursor? id)
    {
        if (id is not { } cursor)
        {
            WriteRaw("data: "u8);
            return;
        }
        var span = body.GetSpan("id: \ndata: ".Length + Cursor.MaxLength);
        "id: "u8.CopyTo(span);
        cursor.TryFormat(span[4..], out var written);
        "\ndata: "u8.CopyTo(span[(4 + written)..]);
        body.Advance(written + "id: \ndata: ".Length);
    }

    /// <summary>Writes bytes without changes. They must not contain line breaks.</summary>
    public void WriteRaw(ReadOnlySpan<byte> bytes)
    {
        var span = body.GetSpan(bytes.Length);
        bytes.CopyTo(span);
        body.Advance(bytes.Length);
    }

    /// <summary>
    /// Returns a JSON writer for the next piece of an event. It is the same object each time. The caller must flush it before anything else is written.
    /// </summary>
    public Utf8JsonWriter GetJsonWriter()
    {
        if (_json is null) _json = new Utf8JsonWriter(body, JsonBody.WriterOptions);
        else _json.Reset();
        return _json;
    }

    /// <summary>Ends an event.</summary>
    public void EndEvent() => WriteRaw(EventEnd);

    /// <summary>
    /// Writes a comment between events. Clients ignore comments. No blank line follows it: some clients (openai-go, fetch-event-source) would take that for the
    /// end of an event without data, and fail.
    /// </summary>
    public void WriteComment(ReadOnlySpan<byte> text)
    {
        WriteRaw(": "u8);
        WriteRaw(text);
        WriteRaw("\n"u8);
    }

    /// <summary>Sends everything that was written.</summary>
    /// <returns>False if the client takes nothing more.</returns>
    public async ValueTask<bool> Flush(CancellationToken cancellationToken)
    {
        var result = await body.FlushAsync(cancellationToken);
        return !result.IsCompleted && !result.IsCanceled;
    }

    public void Dispose() => _json?.Dispose();
}

/// <summary>Escapes text for JSON strings, as UTF-8 and without allocations.</summary>
internal static class JsonText
{
    /// <summary>The maximum number of bytes for one UTF-16 unit: a control character becomes <c>\u001f</c>.</summary>
    public const int MaxBytesPerChar = 6;

    private static readonly SearchValues<char> Escaped = SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(code => (char)code), '"', '\\']);

    /// <summary>Writes a text as the inside of a JSON string. One half of a surrogate pair becomes U+FFFD.</summary>
    /// <param name="text">The text.</param>
    /// <param name="destination">A buffer with <see cref="MaxBytesPerChar"/> bytes for each character.</param>
    /// <returns>The number of bytes written.</returns>
    public static int Escape(ReadOnlySpan<char> text, Span<byte> destination)
    {
        var total = 0;
        while (true)
        {
            var next = IndexOfEscaped(text);
            Utf8.FromUtf16(next < 0 ? text : text[..next], destination[total..], out _, out var written);
            total += written;
            if (next < 0) return total;
            total += EscapeChar(text[next], destination[total..]);
            text = text[(next + 1)..];
        }
    }

    // JSON does not require that line separators outside ASCII are escaped. But some event readers (Python's splitlines, early openai-node) end a line there
    // and would read half an event. There are two searches because a search for ASCII characters only is faster.
    private static int IndexOfEscaped(ReadOnlySpan<char> text)
    {
        var ascii = text.IndexOfAny(Escaped);
        var separator = (ascii < 0 ? text : text[..ascii]).IndexOfAny('\u0085', '\u2028', '\u2029');
        return separator < 0 ? ascii : separator;
    }

    private static int EscapeChar(char character, Span<byte> destination)
    {
        var shortForm = character switch { '"' => '"', '\\' => '\\', '\n' => 'n', '\r' => 'r', '\t' => 't', '\b' => 'b', '\f' => 'f', _ => '\0' };
        destination[0] = (byte)'\\';
        if (shortForm != '\0')
        {
            destination[1] = (byte)shortForm;
            return 2;
        }
        destination[1] = (byte)'u';
        for (var digit = 0; digit < 4; digit++) destination[2 + digit] = (byte)"0123456789abcdef"[(character >> (12 - 4 * digit)) & 15];
        return 6;
    }
}
