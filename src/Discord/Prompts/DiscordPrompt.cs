using System.Text;

namespace CozeCluster.Discord;

/// <summary>A message of a prompt.</summary>
/// <param name="Text">With the mention, if it has one.</param>
/// <param name="Files">Uploaded with it.</param>
/// <param name="Mentions">Whether it is addressed to the bot.</param>
internal sealed record PromptMessage(string Text, IReadOnlyList<BlobRef> Files, bool Mentions);

/// <summary>Makes the messages of a prompt. The bot is mentioned in the last alone, so that it answers once and has all before it.</summary>
internal static class DiscordPrompt
{
    /// <summary>More messages than this are not sent: at Discord's pace that would take half a minute.</summary>
    public const int MaxMessages = 25;

    private const string FileName = "prompt.txt";
    private const string Instruction = "The prompt is in the attached file " + FileName + ". Read all of it and answer it.";

    /// <summary>The messages, at least one, checked against Discord's limits.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.ContextLengthExceeded"/>: too long for what the bot's option <c>long</c> allows; <see cref="ErrorCode.FileRejected"/>: too many or too large files.
    /// </exception>
    public static async ValueTask<IReadOnlyList<PromptMessage>> Of(UpstreamTurn turn, DiscordBotOptions options, IBlobStore blobs, CancellationToken cancellationToken)
    {
        var prompt = PromptText.Of(turn.Messages, options.History);
        var mention = $"<@{turn.Bot.UpstreamBotId}> ";
        var text = prompt.Text.TrimEnd();
        if (text.Length == 0 && prompt.Files.Count == 0) throw new ClusterException(ErrorCode.UpstreamInvalidRequest, "The prompt is empty.", "messages");
        if (mention.Length + text.Length <= DiscordLimits.MessageUnits && (PromptFiles.FitOne(prompt.Files) || options.Long != DiscordLongPrompt.Split))
            return [Checked(mention + text, prompt.Files)];
        switch (options.Long)
        {
            case DiscordLongPrompt.File:
                // Checked before the text is stored.
                var bytes = Encoding.UTF8.GetBytes(text);
                PromptFiles.Check([.. prompt.Files, new BlobRef("", "text/plain", FileName, bytes.Length)]);
                var file = await blobs.Put(turn.TenantId, FileName, "text/plain", bytes, cancellationToken).ConfigureAwait(false);
                return [Checked(mention + Instruction, [file, .. prompt.Files])];
            case DiscordLongPrompt.Split:
                var parts = MessageSplitter.Split(text, mention.Length);
                var files = PromptFiles.Spread(prompt.Files);
                var count = parts.Count + Math.Max(files.Count - 1, 0);
                if (count > MaxMessages)
                    throw TooLong(text, $"it would take {count} messages, and more than {MaxMessages} are not sent. With the bot's option 'long: file' it could be sent as a file.");
                return
                [
                    .. parts.SkipLast(1).Select(part => new PromptMessage(part, [], false)),
                    .. files.SkipLast(1).Select(several => new PromptMessage("", several, false)),
                    Checked(mention + parts[^1], files.LastOrDefault() ?? []),
                ];
            default:
                throw TooLong(text, $"this bot takes {DiscordLimits.MessageUnits - mention.Length}.");
        }
    }

    private static PromptMessage Checked(string text, IReadOnlyList<BlobRef> files)
    {
        PromptFiles.Check(files);
        return new PromptMessage(text, files, true);
    }

    private static ClusterException TooLong(string text, string why) =>
        new(ErrorCode.ContextLengthExceeded, $"The prompt with its history has {text.Length} UTF-16 units: {why}", "messages");
}
