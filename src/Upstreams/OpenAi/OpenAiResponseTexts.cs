using System.Buffers;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.OpenAi;

/// <summary>
/// The texts of a response. A stream and a whole response name the same parts, because they are counted in the order of the output: some servers change the ids
/// of items from event to event. A stream that is read from its beginning once more adds what the reply lacks.
/// </summary>
internal sealed class OpenAiResponseTexts
{
    private const string Separator = "\n\n";

    private readonly Dictionary<(TextKind Kind, long Output, long Part), GrowingText> _texts = [];
    private int _answers;
    private int _reasonings;
    private GrowingText? _open;

    /// <summary>Appends text of an answer.</summary>
    public void Append(long output, long part, JsonText delta, IReplySink sink)
    {
        if (!delta.IsEmpty) Write(GetText(TextKind.Answer, output, part, sink), delta, sink);
    }

    /// <summary>Appends reasoning. All reasoning of an item is one part, because clients join the parts without a separator.</summary>
    /// <param name="output">The item.</param>
    /// <param name="piece">What tells the pieces of the item apart.</param>
    /// <param name="delta">The text.</param>
    /// <param name="sink">The reply.</param>
    public void AppendReasoning(long output, long piece, JsonText delta, IReplySink sink)
    {
        if (delta.IsEmpty) return;
        var text = GetText(TextKind.Reasoning, output, 0, sink);
        if (text.Position > 0 && text.Piece != piece) Write(text, Separator, sink);
        text.Piece = piece;
        Write(text, delta, sink);
    }

    /// <summary>An answer is complete: sets its whole text, unless the server does not repeat it.</summary>
    public void Finish(long output, long part, JsonText whole, IReplySink sink)
    {
        if (whole.IsEmpty && !_texts.ContainsKey((TextKind.Answer, output, part))) return;
        var text = GetText(TextKind.Answer, output, part, sink);
        if (text.IsComplete) return;
        if (!whole.IsEmpty) Set(text, whole, sink);
        Close(text, sink);
    }

    /// <summary>The reasoning of an item is complete.</summary>
    public void CloseReasoning(long output, IReplySink sink)
    {
        if (_texts.TryGetValue((TextKind.Reasoning, output, 0), out var text) && !text.IsComplete) Close(text, sink);
    }

    /// <summary>Sets all texts of a whole output. What was lost of a stream, or was wrong in it, becomes right.</summary>
    public void SetAll(JsonElement output, IReplySink sink)
    {
        var (answers, reasonings) = (0, 0);
        foreach (var item in output.GetItems())
        {
            switch (item.GetText("type"u8))
            {
                case "reasoning":
                    if (JoinReasoning(item) is not { Length: > 0 } reasoning) break;
                    // What was streamed may be the summary, or the reasoning itself.
                    if (reasonings++ < _reasonings) break;
                    SetAndClose(sink.Open($"reasoning-{_reasonings++}", TextKind.Reasoning), reasoning, sink);
                    break;
                case "message":
                    foreach (var part in item.GetMember("content"u8).GetItems())
                    {
                        if ((part.GetText("text"u8) ?? part.GetText("refusal"u8)) is { Length: > 0 } answer)
                            SetAndClose(sink.Open($"answer-{answers++}", TextKind.Answer), answer, sink);
                    }
                    break;
            }
        }
    }

    private static string JoinReasoning(JsonElement item)
    {
        var pieces = item.GetMember("summary"u8).GetItems().ToList();
        if (pieces.Count == 0) pieces = [.. item.GetMember("content"u8).GetItems()];
        return string.Join(Separator, pieces.Select(piece => piece.GetText("text"u8)).Where(text => !string.IsNullOrEmpty(text)));
    }

    private static void SetAndClose(int part, string text, IReplySink sink)
    {
        sink.Set(part, text);
        sink.Close(part);
    }

    private static void Set(GrowingText text, JsonText whole, IReplySink sink)
    {
        var chars = ArrayPool<char>.Shared.Rent(whole.MaxChars);
        sink.Set(text.Part, chars.AsSpan(0, whole.Decode(chars)));
        ArrayPool<char>.Shared.Return(chars);
    }

    private static void Write(GrowingText text, JsonText delta, IReplySink sink)
    {
        var chars = ArrayPool<char>.Shared.Rent(delta.MaxChars);
        Write(text, chars.AsSpan(0, delta.Decode(chars)), sink);
        ArrayPool<char>.Shared.Return(chars);
    }

    private static void Write(GrowingText text, ReadOnlySpan<char> delta, IReplySink sink)
    {
        // The server sends deltas behind the end of a text only if it breaks its rules.
        if (text.IsComplete) return;
        var known = Math.Clamp(sink.GetLength(text.Part) - text.Position, 0, delta.Length);
        text.Position += delta.Length;
        if (known < delta.Length) sink.Append(text.Part, delta[known..]);
    }

    private GrowingText GetText(TextKind kind, long output, long part, IReplySink sink)
    {
        if (_texts.TryGetValue((kind, output, part), out var known)) return known;
        // An open part holds back those behind it.
        if (_open is { } before) sink.Close(before.Part);
        var id = kind == TextKind.Answer ? $"answer-{_answers++}" : $"reasoning-{_reasonings++}";
        return _open = _texts[(kind, output, part)] = new GrowingText(sink.Open(id, kind));
    }

    private void Close(GrowingText text, IReplySink sink)
    {
        text.IsComplete = true;
        if (_open == text) _open = null;
        sink.Close(text.Part);
    }

    /// <summary>A text while it is streamed.</summary>
    /// <param name="part">Its part of the reply.</param>
    private sealed class GrowingText(int part)
    {
        public int Part => part;

        /// <summary>How much of it the stream has brought, in UTF-16 units.</summary>
        public int Position { get; set; }

        /// <summary>The piece of reasoning that arrived last.</summary>
        public long Piece { get; set; }

        public bool IsComplete { get; set; }
    }
}
