using System.Text;

namespace CozeCluster.Discord;

/// <summary>A message of a prompt.</summary>
/// <param name="Text">The text, including the mention if it has one.</param>
/// <param name="Files">Files to upload with the message.</param>
/// <param name="MentionsBot">Whether the message is addressed to the bot.</param>
internal sealed record PromptMessage(string Text, IReadOnlyList<BlobRef> Files, bool MentionsBot);

/// <summary>Builds the messages of a prompt. Only the last one mentions the bot, so that the bot answers once and has received everything before.</summary>
internal static class DiscordPrompt
{
    /// <summary>A prompt of more messages is not sent: at Discord's pace, sending it would take half a minute.</summary>
    public const int MaxMessages = 25;

    private const string FileName = "prompt.txt";
    private const string Instruction = "The prompt is in the attached file " + FileName + ". Read all of it and answer it.";

    /// <summary>Builds the messages, at least one, and checks them against Discord's limits.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.ContextLengthExceeded"/>: the prompt is longer than the bot's option <c>long</c> allows; <see cref="ErrorCode.FileRejected"/>: too
    /// many or too large files.
    /// </exception>
    public static async ValueTask<IReadOnlyList<PromptMessage>> Build(
        UpstreamTurn turn, DiscordBotOptions options, IBlobStore blobs, CancellationToken cancellationToken)
    {
        var prompt = PromptText.Of(turn.Messages, options.History);
        var mention = $"<@{turn.Bot.UpstreamBotId}> ";
        var text = prompt.Text.TrimEnd();
        if (text.Length == 0 && prompt.Files.Count == 0) throw new ClusterException(ErrorCode.UpstreamInvalidRequest, "The prompt is empty.", "messages");
        var fitsInOneMessage = mention.Length + text.Length <= DiscordLimits.MessageUnits;
        if (fitsInOneMessage && (FindFileProblem(prompt.Files) is null || options.Long != DiscordLongPrompt.Split))
        {
            return [LastMessage(mention + text, prompt.Files)];
        }
        switch (options.Long)
        {
            case DiscordLongPrompt.File:
                // Check the files before the text is stored.
                var bytes = Encoding.UTF8.GetBytes(text);
                CheckFiles([.. prompt.Files, new BlobRef("", "text/plain", FileName, bytes.Length)]);
                var file = await blobs.Put(turn.TenantId, FileName, "text/plain", bytes, cancellationToken).ConfigureAwait(false);
                return [LastMessage(mention + Instruction, [file, .. prompt.Files])];
            case DiscordLongPrompt.Split:
                var parts = MessageSplitter.Split(text, mention.Length);
                var files = DistributeFiles(prompt.Files);
                var count = parts.Count + Math.Max(files.Count - 1, 0);
                if (count > MaxMessages)
                {
                    throw TooLong(
                        text, $"it would need {count} messages, and at most {MaxMessages} are sent. The bot's option 'long: file' would send it as a file.");
                }
                return
                [
                    .. parts.SkipLast(1).Select(part => new PromptMessage(part, [], MentionsBot: false)),
                    .. files.SkipLast(1).Select(some => new PromptMessage("", some, MentionsBot: false)),
                    LastMessage(mention + parts[^1], files.LastOrDefault() ?? []),
                ];
            default:
                throw TooLong(text, $"this bot accepts {DiscordLimits.MessageUnits - mention.Length}.");
        }
    }

    private static PromptMessage LastMessage(string text, IReadOnlyList<BlobRef> files)
    {
        CheckFiles(files);
        return new PromptMessage(text, files, MentionsBot: true);
    }

    /// <summary>Distributes files over as few messages as possible, in order.</summary>
    private static List<IReadOnlyList<BlobRef>> DistributeFiles(IReadOnlyList<BlobRef> files)
    {
        var messages = new List<IReadOnlyList<BlobRef>>();
        var current = new List<BlobRef>();
        foreach (var file in files)
        {
            if (current.Count > 0 && FindFileProblem([.. current, file]) is not null)
            {
                messages.Add(current);
                current = [];
            }
            CheckFiles([file]);
            current.Add(file);
        }
        if (current.Count > 0) messages.Add(current);
        return messages;
    }

    private static void CheckFiles(IReadOnlyList<BlobRef> files)
    {
        if (FindFileProblem(files) is { } problem) throw new ClusterException(ErrorCode.FileRejected, problem, "messages");
    }

    private static string? FindFileProblem(IReadOnlyList<BlobRef> files) => DiscordLimits.FindFileProblem([.. files.Select(file => (file.Name, file.Size))]);

    private static ClusterException TooLong(string text, string why) =>
        new(ErrorCode.ContextLengthExceeded, $"The prompt with its history has {text.Length} UTF-16 code units: {why}", "messages");
}
