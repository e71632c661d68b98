namespace CozeCluster.Gateway.Observing;

/// <summary>How events move the cursor.</summary>
internal static class ReplyPosition
{
    /// <summary>The cursor behind an event.</summary>
    /// <param name="at">The cursor before it.</param>
    /// <param name="happened">The event.</param>
    /// <param name="batch">The batch it came in.</param>
    public static Cursor Behind(Cursor at, ReplyEvent happened, ReplyBatch batch) => happened switch
    {
        ReplyText text => At(at, text.Part, text.Offset + text.Text.Length, batch),
        ReplyReasoning reasoning => At(at, reasoning.Part, reasoning.Offset + reasoning.Text.Length, batch),
        ReplyItemAdded item => At(at, item.Part, 1, batch),
        ReplyRewritten rewritten => new Cursor(
            rewritten.Part, rewritten.Offset, rewritten.Part == batch.Next.Part ? batch.Next.Revision : rewritten.Part == at.Part ? at.Revision + 1 : 1),
        _ => at,
    };

    /// <summary>
    /// What of a batch is new to someone who has everything before <paramref name="at"/>.
    /// </summary>
    /// <param name="batch">The batch; may overlap what is there.</param>
    /// <param name="at">The cursor.</param>
    /// <param name="gap">True if content between the cursor and the batch is missing.</param>
    /// <returns>The batch itself if all of it is new, a shorter one, or null if nothing is.</returns>
    public static ReplyBatch? Trim(ReplyBatch batch, Cursor at, out bool gap)
    {
        gap = false;
        if (batch.Events.Count == 0) return null;
        if (Continues(at, batch.Events[0], out gap)) return batch;
        if (gap) return null;
        var rest = new List<ReplyEvent>(batch.Events.Count);
        foreach (var happened in batch.Events)
        {
            if (Cut(at, happened) is not { } cut) continue;
            rest.Add(cut);
            at = Behind(at, cut, batch);
        }
        return rest.Count == 0 ? null : batch with { Events = rest };
    }

    private static bool Continues(Cursor at, ReplyEvent first, out bool gap)
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
        gap = part == at.Part ? offset > at.Offset : part > at.Part && offset > 0;
        return !gap && (part > at.Part || (part == at.Part && offset == at.Offset));
    }

    private static ReplyEvent? Cut(Cursor at, ReplyEvent happened)
    {
        switch (happened)
        {
            case ReplyText text:
                var known = Known(at, text.Part, text.Offset, text.Text.Length);
                return known == 0 ? text : known == text.Text.Length ? null : text with { Offset = text.Offset + known, Text = text.Text[known..] };
            case ReplyReasoning reasoning:
                known = Known(at, reasoning.Part, reasoning.Offset, reasoning.Text.Length);
                return known == 0 ? reasoning : known == reasoning.Text.Length ? null : reasoning with { Offset = reasoning.Offset + known, Text = reasoning.Text[known..] };
            case ReplyItemAdded item:
                return Known(at, item.Part, 0, 1) == 0 ? item : null;
            default:
                return happened;
        }
    }

    private static int Known(Cursor at, int part, int offset, int length) =>
        part > at.Part ? 0 : part < at.Part ? length : Math.Clamp(at.Offset - offset, 0, length);

    private static Cursor At(Cursor at, int part, int offset, ReplyBatch batch)
    {
        var revision = part == at.Part ? at.Revision : 0;
        if (part == batch.Next.Part && batch.Next.Revision != revision && !RewritesLater(batch, part, offset)) revision = batch.Next.Revision;
        return new Cursor(part, offset, revision);
    }

    private static bool RewritesLater(ReplyBatch batch, int part, int offset)
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
