namespace CozeCluster.Gateway.Replies;

/// <summary>Calculates how reply events move a reader's cursor, and which part of a batch a cursor has not seen.</summary>
internal static class ReplyCursor
{
    /// <summary>The cursor after an event.</summary>
    /// <param name="cursor">The cursor before the event.</param>
    /// <param name="replyEvent">The event.</param>
    /// <param name="batch">The batch that contains the event.</param>
    public static Cursor After(Cursor cursor, ReplyEvent replyEvent, ReplyBatch batch) => replyEvent switch
    {
        ReplyText text => CursorAt(cursor, text.Part, text.Offset + text.Text.Length, batch),
        ReplyReasoning reasoning => CursorAt(cursor, reasoning.Part, reasoning.Offset + reasoning.Text.Length, batch),
        ReplyItemAdded item => CursorAt(cursor, item.Part, 1, batch),
        ReplyRewritten rewritten => new Cursor(
            rewritten.Part, rewritten.Offset,
            rewritten.Part == batch.Next.Part ? batch.Next.Revision : rewritten.Part == cursor.Part ? cursor.Revision + 1 : 1),
        _ => cursor,
    };

    /// <summary>By how many UTF-16 units of text and reasoning these events lengthen what a reader has; less than 0 if text was rewritten.</summary>
    /// <param name="cursor">The reader has everything before this cursor.</param>
    /// <param name="events">The events after it.</param>
    public static long GetAddedLength(Cursor cursor, IReadOnlyList<ReplyEvent> events)
    {
        var added = 0L;
        for (var i = 0; i < events.Count; i++)
        {
            added += events[i] switch
            {
                ReplyText text => text.Text.Length,
                ReplyReasoning reasoning => reasoning.Text.Length,
                // Text is rewritten at the cursor only, before any other event.
                ReplyRewritten rewritten => rewritten.Offset - cursor.Offset,
                _ => 0,
            };
        }
        return added;
    }

    /// <summary>Removes from a batch what a reader already has.</summary>
    /// <param name="batch">The batch. It may overlap what the reader has.</param>
    /// <param name="cursor">The reader has everything before this cursor.</param>
    /// <param name="gap">True if content between the cursor and the batch is missing.</param>
    /// <returns>The batch itself if all of it is new; a shorter batch if some of it is; null if nothing is.</returns>
    public static ReplyBatch? Trim(ReplyBatch batch, Cursor cursor, out bool gap)
    {
        gap = false;
        if (batch.Events.Count == 0) return null;
        if (StartsAt(cursor, batch.Events[0], out gap)) return batch;
        if (gap) return null;
        var rest = new List<ReplyEvent>(batch.Events.Count);
        foreach (var replyEvent in batch.Events)
        {
            if (TrimEvent(cursor, replyEvent) is not { } trimmed) continue;
            rest.Add(trimmed);
            cursor = After(cursor, trimmed, batch);
        }
        return rest.Count == 0 ? null : batch with { Events = rest };
    }

    private static bool StartsAt(Cursor cursor, ReplyEvent first, out bool gap)
    {
        gap = false;
        var (part, offset) = first switch
        {
            ReplyText text => (text.Part, text.Offset),
            ReplyReasoning reasoning => (reasoning.Part, reasoning.Offset),
            ReplyItemAdded item => (item.Part, 0),
            _ => (-1, 0),
        };
        if (part < 0) return true;
        gap = part == cursor.Part ? offset > cursor.Offset : part > cursor.Part && offset > 0;
        return !gap && (part > cursor.Part || (part == cursor.Part && offset == cursor.Offset));
    }

    private static ReplyEvent? TrimEvent(Cursor cursor, ReplyEvent replyEvent)
    {
        switch (replyEvent)
        {
            case ReplyText text:
                var known = KnownLength(cursor, text.Part, text.Offset, text.Text.Length);
                return known == 0 ? text
                    : known == text.Text.Length ? null
                    : text with { Offset = text.Offset + known, Text = text.Text[known..] };
            case ReplyReasoning reasoning:
                known = KnownLength(cursor, reasoning.Part, reasoning.Offset, reasoning.Text.Length);
                return known == 0 ? reasoning
                    : known == reasoning.Text.Length ? null
                    : reasoning with { Offset = reasoning.Offset + known, Text = reasoning.Text[known..] };
            case ReplyItemAdded item:
                return KnownLength(cursor, item.Part, 0, 1) == 0 ? item : null;
            default:
                return replyEvent;
        }
    }

    private static int KnownLength(Cursor cursor, int part, int offset, int length) =>
        part > cursor.Part ? 0 : part < cursor.Part ? length : Math.Clamp(cursor.Offset - offset, 0, length);

    private static Cursor CursorAt(Cursor previous, int part, int offset, ReplyBatch batch)
    {
        var revision = part == previous.Part ? previous.Revision : 0;
        if (part == batch.Next.Part && batch.Next.Revision != revision && !IsRewrittenLater(batch, part, offset)) revision = batch.Next.Revision;
        return new Cursor(part, offset, revision);
    }

    private static bool IsRewrittenLater(ReplyBatch batch, int part, int offset)
    {
        for (var i = batch.Events.Count - 1; i >= 0; i--)
        {
            switch (batch.Events[i])
            {
                case ReplyRewritten rewritten when rewritten.Part == part: return true;
                case ReplyText text when text.Part == part && text.Offset + text.Text.Length == offset: return false;
                case ReplyReasoning reasoning when reasoning.Part == part && reasoning.Offset + reasoning.Text.Length == offset: return false;
            }
        }
        return false;
    }
}
