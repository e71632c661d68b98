using System.Globalization;
using System.Text;

namespace CozeCluster.Gateway.Replies;

/// <summary>The content of a reply so far, built from the batches of a reader or from the snapshot of a turn.</summary>
internal sealed class ReplyContent
{
    // The client may wait as long as the turn takes. The conversation itself ends turns that take too long.
    private static readonly TimeSpan MaxWait = TimeSpan.FromDays(1);

    private readonly SortedList<int, object> _parts = [];
    private readonly ReplyAddresses _addresses;

    /// <summary>A reply without content, to which batches are added.</summary>
    /// <param name="addresses">The addresses of files.</param>
    public ReplyContent(ReplyAddresses addresses) => _addresses = addresses;

    /// <summary>The event that ended the reply; null while it has not ended.</summary>
    public ReplyEvent? End { get; private set; }

    /// <summary>Tool calls, images and everything else that is not text.</summary>
    public IEnumerable<ReplyItem> Items => _parts.Values.OfType<ItemPart>().Select(part => part.Item);

    /// <summary>The content that a turn has now.</summary>
    public static ReplyContent Of(TurnSnapshot turn, ReplyAddresses addresses)
    {
        var content = new ReplyContent(addresses) { End = turn.End };
        for (var i = 0; i < turn.Parts.Count; i++)
        {
            content._parts.Add(i, turn.Parts[i] is ItemPart part ? new ItemPart(addresses.Complete(part.Item)) : turn.Parts[i]);
        }
        return content;
    }

    /// <summary>Reads a reply to its end, for clients that want it whole.</summary>
    /// <returns>The reply; null if the client disconnected.</returns>
    /// <exception cref="ClusterException">The turn failed.</exception>
    public static async Task<ReplyContent?> ReadToEnd(ReplyReader reader, ReplyAddresses addresses, TimeProvider time, CancellationToken aborted)
    {
        var content = new ReplyContent(addresses);
        return await ReadToEnd(reader, _ => content, time, aborted) ? content : null;
    }

    /// <summary>Reads replies to their end.</summary>
    /// <param name="source">The batches.</param>
    /// <param name="contentOf">The content to which the batches of a turn are added.</param>
    /// <param name="time">The clock.</param>
    /// <param name="aborted">Cancelled when the client disconnects.</param>
    /// <returns>False if the client disconnected.</returns>
    /// <exception cref="ClusterException">A turn failed.</exception>
    public static async Task<bool> ReadToEnd(IReplySource source, Func<string, ReplyContent> contentOf, TimeProvider time, CancellationToken aborted)
    {
        while (!source.Ended)
        {
            var batch = await source.Next(time.FromNow(MaxWait));
            if (aborted.IsCancellationRequested) return false;
            if (batch is null) continue;
            var content = contentOf(batch.TurnId);
            content.Add(batch);
            if (content.End is ReplyFailed failed) throw failed.Error.ToException();
        }
        return true;
    }

    /// <summary>
    /// Builds the text of all answers, with a blank line between them and with images as Markdown. It is exactly the text that a stream sends.
    /// </summary>
    /// <param name="withImages">Whether images outside of the bot's own text are in it.</param>
    /// <returns>The text; null if there is none.</returns>
    public string? BuildText(bool withImages = true)
    {
        StringBuilder? all = null;
        string? first = null;
        var answers = 0;
        foreach (var (index, part) in _parts)
        {
            var piece = part switch
            {
                Answer answer => WithSeparator(answers++, answer.Text.ToString()),
                TextPart text => WithSeparator(answers++, text.Text),
                ItemPart { Item: ImageItem image } when withImages => Markdown.Image(image, index),
                _ => null,
            };
            if (piece is null) continue;
            if (first is null) first = piece;
            else (all ??= new StringBuilder(first)).Append(piece);
        }
        return all?.ToString() ?? first;
    }

    /// <summary>Builds the text of all reasoning.</summary>
    /// <returns>The text; null if there is none.</returns>
    public string? BuildReasoning()
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

    /// <summary>Adds the events of a batch.</summary>
    public void Add(ReplyBatch batch)
    {
        foreach (var replyEvent in batch.Events)
        {
            switch (replyEvent)
            {
                case ReplyText text: GrowingPart<Answer>(text.Part).Text.Append(text.Text.Span); break;
                case ReplyReasoning reasoning: GrowingPart<Reasoning>(reasoning.Part).Text.Append(reasoning.Text.Span); break;
                case ReplyItemAdded item: _parts[item.Part] = new ItemPart(_addresses.Complete(item.Item)); break;
                case ReplyRewritten rewritten when _parts.GetValueOrDefault(rewritten.Part) is GrowingText growing:
                    growing.Text.Length = rewritten.Offset;
                    break;
                case ReplyCompleted or ReplyFailed: End = replyEvent; break;
            }
        }
    }

    private static string WithSeparator(int answer, string text) => answer > 0 && text.Length > 0 ? "\n\n" + text : text;

    private T GrowingPart<T>(int part) where T : GrowingText, new()
    {
        if (_parts.GetValueOrDefault(part) is T existing) return existing;
        var added = new T();
        _parts[part] = added;
        return added;
    }

    private abstract class GrowingText
    {
        public StringBuilder Text { get; } = new();
    }

    private sealed class Answer : GrowingText;

    private sealed class Reasoning : GrowingText;
}

/// <summary>Renders reply items as Markdown text.</summary>
internal static class Markdown
{
    /// <summary>Renders an image that is not part of a bot's text as a paragraph of its own.</summary>
    /// <param name="image">The image.</param>
    /// <param name="part">The number of its part in the reply. There is no text before part 0.</param>
    public static string Image(ImageItem image, int part)
    {
        var url = image.Url.Replace(" ", "%20", StringComparison.Ordinal)
            .Replace("(", "%28", StringComparison.Ordinal).Replace(")", "%29", StringComparison.Ordinal);
        return string.Create(CultureInfo.InvariantCulture, $"{(part > 0 ? "\n\n" : "")}![image]({url})\n");
    }
}
