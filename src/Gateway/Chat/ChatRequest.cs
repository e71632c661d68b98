namespace CozeCluster.Gateway.Chat;

/// <summary>A chat completion request, read and checked.</summary>
internal sealed record ChatRequest
{
    public required string Model { get; init; }

    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    /// <summary>Media that came with the request and has to be put into the blob store before the messages are whole.</summary>
    public required IReadOnlyList<Upload> Uploads { get; init; }

    public bool Stream { get; init; }

    public bool IncludeUsage { get; init; }

    public string? ConversationName { get; init; }

    public string? User { get; init; }

    public required IReadOnlyDictionary<string, string> Variables { get; init; }

    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>Results for an earlier turn of ours; empty if there are none.</summary>
    public IReadOnlyList<ToolOutput> ToolOutputs { get; init; } = [];

    /// <summary>The turn that waits for <see cref="ToolOutputs"/>.</summary>
    public string? WaitingTurn { get; init; }

    /// <summary>Characters of text in the prompt.</summary>
    public int Length { get; init; }

    /// <summary>SHA-256 of the body.</summary>
    public required string Fingerprint { get; init; }
}

/// <summary>Bytes of a media part on their way to the blob store.</summary>
/// <param name="Parts">The message's parts.</param>
/// <param name="Index">Which of them it will be.</param>
/// <param name="Media">The bytes.</param>
/// <param name="Make">Makes the part once the bytes are stored.</param>
internal sealed record Upload(List<ContentPart> Parts, int Index, Media Media, Func<MediaSource, ContentPart> Make);

/// <summary>Decoded bytes.</summary>
internal sealed record Media(string Name, string ContentType, ReadOnlyMemory<byte> Bytes);
