namespace CozeCluster.Upstreams.Shared.Prompts;

/// <summary>
/// Tells the history of a prompt from what is new. A language model receives the whole history with every turn, and the attachments of old turns expire. What
/// cannot be read of a new message is an error for the client; in the history it must not be, because no later turn of the conversation would succeed.
/// </summary>
internal static class PromptHistory
{
    /// <summary>What a model reads in place of an attachment of the history that is not stored any more, or that it does not accept.</summary>
    public const string LostAttachment = "(an attachment that is no longer available)";

    /// <summary>The index of the first new message: the first that the client has sent in this turn, and at least the first after the last answer.</summary>
    public static int FirstNew(UpstreamTurn turn)
    {
        var first = turn.Messages.Count;
        while (first > 0 && turn.Messages[first - 1].Role != ChatRole.Assistant) first--;
        return Math.Max(first, turn.Messages.Count - (turn.NewMessages ?? turn.Messages.Count));
    }

    /// <summary>The source of a media part; null for text.</summary>
    public static MediaSource? SourceOf(ContentPart part) => part switch
    {
        ImageContent image => image.Source,
        FileContent file => file.Source,
        AudioContent audio => audio.Source,
        _ => null,
    };
}
