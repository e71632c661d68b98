using System.Globalization;
using System.Text;

namespace CozeCluster.Gateway.Chat;

/// <summary>A reply put together: from batches as they come, or from a turn as it stands.</summary>
internal sealed class ReplyContent
{
    private readonly SortedList<int, object> _parts = [];

    /// <summary>How it ended; null while it has not.</summary>
    public ReplyEvent? End { get; private set; }

    public static ReplyContent Of(TurnSnapshot turn)
    {
        var content = new ReplyContent { End = turn.End };
        for (var i = 0; i < turn.Parts.Count; i++) content._parts.Add(i, turn.Parts[i]);
        return content;
    }

    public void Add(ReplyBatch batch)
    {
        foreach (var happened in batch.Events) Add(happened);
    }

    private void Add(ReplyEvent happened)
    {
        switch (happened)
        {
            case ReplyText text: TextOf<Answer>(text.Part).Text.Append(text.Text.Span); break;
            case ReplyReasoning reasoning: TextOf<Reasoning>(reasoning.Part).Text.Append(reasoning.Text.Span); break;
            case ReplyItemAdded item: _parts[item.Part] = new ItemPart(item.Item); break;
            case ReplyRewritten rewritten when _parts.GetValueOrDefault(rewritten.Part) is Growing growing: growing.Text.Length = rewritten.Offset; break;
            case ReplyCompleted or ReplyFailed: End = happened; break;
        }
    }

    /// <summary>All answers, a blank line between them, with images as Markdown, exactly as a stream would have told it. Null if there is none.</summary>
    public string? Text()
    {
        StringBuilder? all = null;
        string? only = null;
        var answers = 0;
        foreach (var (index, part) in _parts)
        {
            var piece = part switch
            {
                Answer answer => Separated(answers++, answer.Text.ToString()),
                TextPart text => Separated(answers++, text.Text),
                ItemPart { Item: ImageItem image } => Markdown.Image(image, index),
                _ => null,
            };
            if (piece is null) continue;
            if (only is null) only = piece;
            else (all ??= new StringBuilder(only)).Append(piece);
        }
        return all?.ToString() ?? only;
    }

    public string? ReasoningText()
    {
        string? text = null;
        foreach (var part in _parts.Values)
        {
            var piece = part switch
            {
                Reasoning reasoning => reasoning.Text.ToString(),
                ReasoningPart reasoning => reasoning.Text,
                _ => null,
            };
            if (piece is not null) text += piece;
        }
        return text;
    }

    public IEnumerable<ReplyItem> Items => _parts.Values.OfType<ItemPart>().Select(part => part.Item);

    private static string Separated(int answer, string text) => answer > 0 && text.Length > 0 ? "\n\n" + text : text;

    private T TextOf<T>(int part) where T : Growing, new()
    {
        if (_parts.GetValueOrDefault(part) is T there) return there;
        var fresh = new T();
        _parts[part] = fresh;
        return fresh;
    }

    private abstract class Growing
    {
        public StringBuilder Text { get; } = new();
    }

    private sealed class Answer : Growing;

    private sealed class Reasoning : Growing;
}

/// <summary>What is not text, as text.</summary>
internal static class Markdown
{
    /// <summary>An image outside the text, set apart from what stands before and behind it.</summary>
    /// <param name="image">The image.</param>
    /// <param name="part">Its ordinal: nothing stands before part 0.</param>
    public static string Image(ImageItem image, int part)
    {
        var url = image.Url.Replace(" ", "%20", StringComparison.Ordinal).Replace("(", "%28", StringComparison.Ordinal).Replace(")", "%29", StringComparison.Ordinal);
        return string.Create(CultureInfo.InvariantCulture, $"{(part > 0 ? "\n\n" : "")}![image]({url})\n");
    }
}
