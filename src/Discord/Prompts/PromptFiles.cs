namespace CozeCluster.Discord;

/// <summary>Holds a prompt's files to what Discord takes.</summary>
internal static class PromptFiles
{
    /// <summary>Whether one message can carry all.</summary>
    public static bool FitOne(IReadOnlyList<BlobRef> files) => WhyNot(files) is null;

    /// <summary>Checks the files of one message.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.FileRejected"/>: too many, or too large.</exception>
    public static void Check(IReadOnlyList<BlobRef> files)
    {
        if (WhyNot(files) is { } why) throw Rejected(why);
    }

    /// <summary>Spreads files over as few messages as carry them, in order; none for none.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.FileRejected"/>: one is too large for any message.</exception>
    public static IReadOnlyList<IReadOnlyList<BlobRef>> Spread(IReadOnlyList<BlobRef> files)
    {
        var messages = new List<IReadOnlyList<BlobRef>>();
        var current = new List<BlobRef>();
        foreach (var file in files)
        {
            if (current.Count > 0 && !FitOne([.. current, file]))
            {
                messages.Add(current);
                current = [];
            }
            Check([file]);
            current.Add(file);
        }
        if (current.Count > 0) messages.Add(current);
        return messages;
    }

    private static string? WhyNot(IReadOnlyList<BlobRef> files)
    {
        if (files.Count > DiscordLimits.FilesPerMessage) return $"The prompt has {files.Count} files; Discord takes {DiscordLimits.FilesPerMessage} in a message.";
        if (files.FirstOrDefault(file => file.Size > DiscordLimits.FileBytes) is { } large) return $"The file '{large.Name}' has {large.Size} bytes; Discord takes {DiscordLimits.FileBytes}.";
        var total = files.Sum(file => file.Size);
        return total > DiscordLimits.RequestBytes ? $"The prompt's files have {total} bytes together; Discord takes {DiscordLimits.RequestBytes} in a message." : null;
    }

    private static ClusterException Rejected(string message) => new(ErrorCode.FileRejected, message, "messages");
}
