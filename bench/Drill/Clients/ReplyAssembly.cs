using System.Globalization;
using System.Text;
using System.Text.Json;

namespace CozeCluster.Drill;

/// <summary>Puts a reply together by the rules of the API's documentation, across any number of connections, and watches that every event begins where the one before ended.</summary>
internal sealed class ReplyAssembly
{
    private const string BlankLine = "\n\n";

    private readonly SortedDictionary<int, Part> _parts = [];
    private readonly List<string> _events = [];
    private int _part;
    private int _offset;

    /// <summary>The id of the last event that had one: where to go on.</summary>
    public string? LastEventId { get; private set; }

    /// <summary>Everything that did not fit.</summary>
    public List<string> Faults { get; } = [];

    /// <summary>The code of the error the stream ended with.</summary>
    public string? ErrorCode { get; private set; }

    /// <summary>Why the reply ended, by its last chunk.</summary>
    public string? FinishReason { get; private set; }

    /// <summary>What the bot suggests to ask next, by the last chunk.</summary>
    public IReadOnlyList<string> FollowUps { get; private set; } = [];

    /// <summary>Whether the stream was closed by its closing event.</summary>
    public bool IsDone { get; private set; }

    /// <summary>How often text was taken back.</summary>
    public int Rewrites { get; private set; }

    /// <summary>The content.</summary>
    public string Text => string.Concat(_parts.Values.Where(part => !part.IsReasoning).Select(part => part.Text));

    /// <summary>The reasoning.</summary>
    public string Reasoning => string.Concat(_parts.Values.Where(part => part.IsReasoning).Select(part => part.Text));

    /// <summary>Type and id of what the bot did on the way.</summary>
    public IReadOnlyList<string> Events => _events;

    /// <summary>A new connection. What has no id may come again.</summary>
    public void Reconnected() => (FinishReason, FollowUps, ErrorCode) = (null, [], null);

    /// <summary>Takes the next event.</summary>
    public void Add(StreamEvent happened)
    {
        if (IsDone || ErrorCode is not null) Faults.Add("something came after the end");
        if (happened.Data == "[DONE]")
        {
            IsDone = true;
            return;
        }
        using var json = JsonDocument.Parse(happened.Data);
        var chunk = json.RootElement;
        if (chunk.TryGetProperty("error", out var error))
        {
            ErrorCode = error.GetProperty("code").GetString() ?? "unnamed";
            return;
        }
        var choices = chunk.GetProperty("choices");
        var delta = choices.GetArrayLength() > 0 ? choices[0].GetProperty("delta") : default;
        if (TextOf(delta, "content") is { Length: > 0 } content) Take(happened.Id, content, isReasoning: false);
        if (TextOf(delta, "reasoning_content") is { Length: > 0 } reasoning) Take(happened.Id, reasoning, isReasoning: true);
        if (choices.GetArrayLength() > 0 && TextOf(choices[0], "finish_reason") is { } reason)
        {
            if (FinishReason is not null) Faults.Add("the reply ended twice");
            FinishReason = reason;
        }
        if (chunk.TryGetProperty("cozecluster", out var extension)) Take(happened.Id, extension);
    }

    private void Take(string? id, string text, bool isReasoning)
    {
        if (!TryPlace(id, out var at)) return;
        if (!_parts.TryGetValue(at.Part, out var part))
        {
            if (at.Part <= _part && (_parts.Count > 0 || _events.Count > 0)) Faults.Add($"{id}: part {at.Part} came after part {_part}");
            _parts[at.Part] = part = new Part(isReasoning);
            _offset = 0;
        }
        if (at.Part != _part && _parts.Count > 1 && at.Part < _part) Faults.Add($"{id}: back to part {at.Part} from {_part}");
        if (part.IsReasoning != isReasoning) Faults.Add($"{id}: part {at.Part} is both answer and reasoning");
        // The blank line before an answer stands outside of the offsets.
        var length = text.Length;
        if (part.Text.Length == 0 && !isReasoning && at.Offset == length - BlankLine.Length && text.StartsWith(BlankLine, StringComparison.Ordinal))
        {
            part.Before = BlankLine.Length;
            length -= BlankLine.Length;
        }
        if (_offset + length != at.Offset) Faults.Add($"{id}: {length} characters after {at.Part}.{_offset}");
        part.Text.Append(text);
        (_part, _offset) = (at.Part, at.Offset);
        LastEventId = id;
    }

    private void Take(string? id, JsonElement extension)
    {
        if (extension.TryGetProperty("rewritten", out var rewritten))
        {
            var (number, offset) = (rewritten.GetProperty("part").GetInt32(), rewritten.GetProperty("offset").GetInt32());
            if (!_parts.TryGetValue(number, out var part) || part.Text.Length < part.Before + offset) Faults.Add($"{id}: part {number} is not as long as {offset}");
            else part.Text.Length = part.Before + offset;
            (_part, _offset) = (number, offset);
            LastEventId = id;
            Rewrites++;
        }
        if (extension.TryGetProperty("events", out var events) && events.GetArrayLength() > 0)
        {
            foreach (var item in events.EnumerateArray())
            {
                var name = $"{item.GetProperty("type").GetString()} {item.GetProperty("id").GetString()}";
                if (_events.Contains(name)) Faults.Add($"{id}: {name} was told twice");
                _events.Add(name);
            }
            if (TryPlace(id, out var at)) _part = at.Part;
            LastEventId = id;
        }
        if (extension.TryGetProperty("follow_ups", out var followUps)) FollowUps = [.. followUps.EnumerateArray().Select(text => text.GetString()!)];
    }

    private bool TryPlace(string? id, out (int Part, int Offset) place)
    {
        place = default;
        var numbers = id?.Split('.') ?? [];
        if (numbers.Length >= 2
            && int.TryParse(numbers[0], NumberStyles.None, CultureInfo.InvariantCulture, out place.Part)
            && int.TryParse(numbers[1], NumberStyles.None, CultureInfo.InvariantCulture, out place.Offset)) return true;
        Faults.Add($"content with the id '{id}'");
        return false;
    }

    private static string? TextOf(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private sealed class Part(bool isReasoning)
    {
        public bool IsReasoning => isReasoning;
        public StringBuilder Text { get; } = new();

        /// <summary>Length of the blank line in front.</summary>
        public int Before { get; set; }
    }
}
