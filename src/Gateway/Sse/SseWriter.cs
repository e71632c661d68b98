using System.IO.Pipelines;
using System.Text.Json;
using CozeCluster.Gateway.Errors;

namespace CozeCluster.Gateway.Sse;

/// <summary>The one writer of server-sent events, for every surface. Nothing leaves before <see cref="Flush"/>; text events allocate nothing.</summary>
internal sealed class SseWriter(PipeWriter body) : IDisposable
{
    private const int Slice = 1024;
    private Utf8JsonWriter? _json;

    private static ReadOnlySpan<byte> Separator => "\n\n"u8;

    /// <summary>Writes an event whose data is text inside JSON that never changes.</summary>
    /// <param name="id">The cursor behind the event; null if it does not move.</param>
    /// <param name="head">JSON up to and with the text's opening quote.</param>
    /// <param name="text">The text, unescaped.</param>
    /// <param name="tail">JSON from the text's closing quote on.</param>
    public void Text(Cursor? id, ReadOnlySpan<byte> head, ReadOnlySpan<char> text, ReadOnlySpan<byte> tail)
    {
        Begin(id);
        Raw(head);
        while (text.Length > Slice)
        {
            // Never between the halves of a surrogate pair.
            var length = char.IsHighSurrogate(text[Slice - 1]) ? Slice - 1 : Slice;
            body.Advance(JsonText.Write(text[..length], body.GetSpan(length * JsonText.MaxBytesPerChar)));
            text = text[length..];
        }
        // What is left, which mostly is all, in one piece with the end.
        var span = body.GetSpan(text.Length * JsonText.MaxBytesPerChar + tail.Length + Separator.Length);
        var written = JsonText.Write(text, span);
        tail.CopyTo(span[written..]);
        Separator.CopyTo(span[(written + tail.Length)..]);
        body.Advance(written + tail.Length + Separator.Length);
    }

    /// <summary>Writes an event whose data is already JSON.</summary>
    public void Data(Cursor? id, ReadOnlySpan<byte> json)
    {
        Begin(id);
        Raw(json);
        End();
    }

    /// <summary>Begins an event that is written in pieces, <see cref="Raw"/> or <see cref="Json"/>, until <see cref="End"/>.</summary>
    /// <param name="id">The cursor behind the event; null if it does not move.</param>
    public void Begin(Cursor? id)
    {
        if (id is not { } cursor)
        {
            Raw("data: "u8);
            return;
        }
        var span = body.GetSpan("id: \ndata: ".Length + Cursor.MaxLength);
        "id: "u8.CopyTo(span);
        cursor.TryFormat(span[4..], out var written);
        "\ndata: "u8.CopyTo(span[(4 + written)..]);
        body.Advance(written + "id: \ndata: ".Length);
    }

    /// <summary>Writes bytes as they are; they hold no line break.</summary>
    public void Raw(ReadOnlySpan<byte> bytes)
    {
        var span = body.GetSpan(bytes.Length);
        bytes.CopyTo(span);
        body.Advance(bytes.Length);
    }

    /// <summary>A JSON writer for the next piece of an event. It is the same one each time, and has to be flushed before anything else is written.</summary>
    public Utf8JsonWriter Json()
    {
        if (_json is null) _json = new Utf8JsonWriter(body, ErrorRenderer.Json);
        else _json.Reset();
        return _json;
    }

    /// <summary>Ends an event.</summary>
    public void End() => Raw(Separator);

    /// <summary>
    /// A comment between events, which clients ignore. It ends with its line: a blank one behind it would end an event, and there are clients (openai-go, fetch-event-source)
    /// that take it for one without data and choke on that.
    /// </summary>
    public void Comment(ReadOnlySpan<byte> text)
    {
        Raw(": "u8);
        Raw(text);
        Raw("\n"u8);
    }

    /// <summary>Sends what was written.</summary>
    /// <returns>False once nobody takes it any more.</returns>
    public async ValueTask<bool> Flush(CancellationToken cancellationToken)
    {
        var result = await body.FlushAsync(cancellationToken);
        return !result.IsCompleted && !result.IsCanceled;
    }

    public void Dispose() => _json?.Dispose();
}
