using System.Globalization;
using System.Text;
using System.Text.Json;

namespace CozeCluster.Drill;

/// <summary>
/// Assembles a reply by the rules of the API documentation, across any number of connections. Checks that every event begins exactly where the event before it
/// ended.
/// </summary>
internal sealed class ReplyAssembly
{
    private const string BlankLine = "\n\n";

    private readonly SortedDictionary<int, Part> _parts = [];
    private readonly List<string> _events = [];
    private int _part;
    private int _offset;

    /// <summary>The id of the last event that had one. The client resumes behind it.</summary>
    public string? LastEventId { get; private set; }

    /// <summary>
    /// The UTF-16 units before the last event, as its id shows them: the length of a part before the last one is not in it, so each of them counts as one.
    /// </summary>
    public long ShownLength => LastEventId is { } id && TryParseCursor(id, out var cursor) ? (long)cursor.Part + cursor.Offset : 0;

    /// <summary>Every violation of the rules.</summary>
    public List<string> Faults { get; } = [];

    /// <summary>The code of the error that ended the stream.</summary>
    public string? ErrorCode { get; private set; }

    /// <summary>The finish reason in the last chunk.</summary>
    public string? FinishReason { get; private set; }

    /// <summary>The follow-ups in the last chunk.</summary>
    public IReadOnlyList<string> FollowUps { get; private set; } = [];

    /// <summary>Whether <c>[DONE]</c> has arrived.</summary>
    public bool IsDone { get; private set; }

    /// <summary>How often text was rewritten.</summary>
    public int Rewrites { get; private set; }

    /// <summary>The content.</summary>
    public string Text => string.Concat(_parts.Values.Where(part => !part.IsReasoning).Select(part => part.Text));

    /// <summary>The reasoning.</summary>
    public string Reasoning => string.Concat(_parts.Values.Where(part => part.IsReasoning).Select(part => part.Text));

    /// <summary>Type and id of each event of the bot, such as a tool call.</summary>
    public IReadOnlyList<string> Events => _events;

    /// <summary>The bytes of all text and reasoning, without the blank lines between answers.</summary>
    public long CountBytes() => _parts.Values.Sum(part => (long)Encoding.UTF8.GetByteCount(part.Text.ToString()) - part.SeparatorLength);

    /// <summary>The UTF-16 units of the same text.</summary>
    public long CountUnits() => _parts.Values.Sum(part => (long)part.Text.Length - part.SeparatorLength);

    /// <summary>Begins a new connection. Events without an id may arrive again.</summary>
    public void OnReconnected() => (FinishReason, FollowUps, ErrorCode) = (null, [], null);

    /// <summary>Adds the next event.</summary>
    public void Add(StreamEvent streamEvent)
    {
        if (IsDone || ErrorCode is not null) Faults.Add("an event arrived after the end");
        if (streamEvent.Data == "[DONE]")
        {
            IsDone = true;
            return;
        }
        using var json = JsonDocument.Parse(streamEvent.Data);
        var chunk = json.RootElement;
        if (chunk.TryGetProperty("error", out var error))
        {
            ErrorCode = error.GetProperty("code").GetString() ?? "unnamed";
            return;
        }
        var choices = chunk.GetProperty("choices");
        var delta = choices.GetArrayLength() > 0 ? choices[0].GetProperty("delta") : default;
        if (TextOf(delta, "content") is { Length: > 0 } content) AddText(streamEvent.Id, content, isReasoning: false);
        if (TextOf(delta, "reasoning_content") is { Length: > 0 } reasoning) AddText(streamEvent.Id, reasoning, isReasoning: true);
        if (choices.GetArrayLength() > 0 && TextOf(choices[0], "finish_reason") is { } reason)
        {
            if (FinishReason is not null) Faults.Add("the reply ended twice");
            FinishReason = reason;
        }
        if (chunk.TryGetProperty("cozecluster", out var extension)) AddExtension(streamEvent.Id, extension);
    }

    private void AddText(string? id, string text, bool isReasoning)
    {
        if (!TryParseCursor(id, out var end)) return;
        if (!_parts.TryGetValue(end.Part, out var part))
        {
            if (end.Part <= _part && (_parts.Count > 0 || _events.Count > 0)) Faults.Add($"{id}: part {end.Part} arrived after part {_part}");
            _parts[end.Part] = part = new Part(isReasoning);
            _offset = 0;
        }
        if (end.Part != _part && _parts.Count > 1 && end.Part < _part) Faults.Add($"{id}: text of part {end.Part} arrived after part {_part}");
        if (part.IsReasoning != isReasoning) Faults.Add($"{id}: part {end.Part} is both answer and reasoning");
        // The blank line before a rewrite, which is cut off with the old text.
        if (text == BlankLine && id == LastEventId && part.Text.Length > 0)
        {
            part.Text.Append(text);
            return;
        }
        // Offsets do not count the blank line that separates an answer from the one before it.
        var length = text.Length;
        if (part.Text.Length == 0 && !isReasoning && end.Offset == length - BlankLine.Length && text.StartsWith(BlankLine, StringComparison.Ordinal))
        {
            part.SeparatorLength = BlankLine.Length;
            length -= BlankLine.Length;
        }
        if (_offset + length != end.Offset) Faults.Add($"{id}: {length} characters arrived after cursor {end.Part}.{_offset}");
        part.Text.Append(text);
        (_part, _offset) = (end.Part, end.Offset);
        LastEventId = id;
    }

    private void AddExtension(string? id, JsonElement extension)
    {
        if (extension.TryGetProperty("rewritten", out var rewritten))
        {
            var (number, offset) = (rewritten.GetProperty("part").GetInt32(), rewritten.GetProperty("offset").GetInt32());
            if (!_parts.TryGetValue(number, out var part) || part.Text.Length < part.SeparatorLength + offset)
                Faults.Add($"{id}: part {number} is shorter than {offset}");
            else
                part.Text.Length = part.SeparatorLength + offset;
            (_part, _offset) = (number, offset);
            LastEventId = id;
            Rewrites++;
        }
        if (extension.TryGetProperty("events", out var events) && events.GetArrayLength() > 0)
        {
            foreach (var item in events.EnumerateArray())
            {
                var name = $"{item.GetProperty("type").GetString()} {item.GetProperty("id").GetString()}";
                if (_events.Contains(name)) Faults.Add($"{id}: {name} arrived twice");
                _events.Add(name);
            }
            if (TryParseCursor(id, out var cursor)) _part = cursor.Part;
            LastEventId = id;
        }
        if (extension.TryGetProperty("follow_ups", out var followUps)) FollowUps = [.. followUps.EnumerateArray().Select(text => text.GetString()!)];
    }

    private bool TryParseCursor(string? id, out (int Part, int Offset) cursor)
    {
        cursor = default;
        var numbers = id?.Split('.') ?? [];
        if (numbers.Length >= 2
            && int.TryParse(numbers[0], NumberStyles.None, CultureInfo.InvariantCulture, out cursor.Part)
            && int.TryParse(numbers[1], NumberStyles.None, CultureInfo.InvariantCulture, out cursor.Offset)) return true;
        Faults.Add($"content with the id '{id}'");
        return false;
    }

    private static string? TextOf(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private sealed class Part(bool isReasoning)
    {
        public bool IsReasoning => isReasoning;
        public StringBuilder Text { get; } = new();

        /// <summary>The length of the blank line at the start of <see cref="Text"/>.</summary>
        public int SeparatorLength { get; set; }
    }
}
