using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>The author of a message in a prompt.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ChatRole>))]
[GenerateSerializer, Alias("chat-role")]
public enum ChatRole
{
    /// <summary>Instructions (<c>system</c> and <c>developer</c>).</summary>
    System,

    /// <summary>The user.</summary>
    User,

    /// <summary>The bot.</summary>
    Assistant,

    /// <summary>The result of a tool call.</summary>
    Tool,
}

/// <summary>One message of a prompt, independent of the API that received it.</summary>
/// <param name="Role">The author.</param>
/// <param name="Content">Text, images and files, in order. Empty only for an assistant message that contains only tool calls.</param>
[GenerateSerializer, Immutable, Alias("chat-message")]
public sealed record ChatMessage(ChatRole Role, IReadOnlyList<ContentPart> Content)
{
    /// <summary>For <see cref="ChatRole.Tool"/>: the id of the tool call that this message answers.</summary>
    [Id(0)]
    public string? ToolCallId { get; init; }

    /// <summary>For <see cref="ChatRole.Assistant"/>: the tool calls that the bot made.</summary>
    [Id(1)]
    public IReadOnlyList<ToolCall> ToolCalls { get => field ?? []; init; }

    /// <summary>
    /// For <see cref="ChatRole.Assistant"/>: the reasoning that came with the reply; null if it is not known. Some servers demand it back in rounds of tools;
    /// all other upstreams do not receive it.
    /// </summary>
    [Id(90)]
    public string? Reasoning { get; init; }

    /// <summary>All text of the message. Line breaks separate the parts.</summary>
    [JsonIgnore]
    public string Text => Content is [TextContent only] ? only.Text : string.Join('\n', Content.OfType<TextContent>().Select(part => part.Text));
}

/// <summary>A tool call in a prompt's history.</summary>
/// <param name="Id">The id that CozeCluster gave the call.</param>
/// <param name="Name">The tool's name.</param>
/// <param name="Arguments">JSON text.</param>
[GenerateSerializer, Immutable, Alias("tool-call")]
public sealed record ToolCall(string Id, string Name, string Arguments);

/// <summary>A part of a message's content.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(TextContent), "text")]
[JsonDerivedType(typeof(ImageContent), "image")]
[JsonDerivedType(typeof(FileContent), "file")]
[JsonDerivedType(typeof(AudioContent), "audio")]
[GenerateSerializer, Immutable, Alias("content-part")]
public abstract record ContentPart;

/// <summary>Text.</summary>
[GenerateSerializer, Immutable, Alias("text-content")]
public sealed record TextContent(string Text) : ContentPart;

/// <summary>An image, given by URL or uploaded with the request.</summary>
[GenerateSerializer, Immutable, Alias("image-content")]
public sealed record ImageContent(MediaSource Source) : ContentPart
{
    /// <summary>How closely an OpenAI-compatible model looks at it, in OpenAI's words (<c>low</c>, <c>high</c>); null: as it decides.</summary>
    [Id(91)]
    public string? Detail { get; init; }
}

/// <summary>A file, given by URL or uploaded with the request.</summary>
[GenerateSerializer, Immutable, Alias("file-content")]
public sealed record FileContent(MediaSource Source) : ContentPart;

/// <summary>Recorded speech.</summary>
[GenerateSerializer, Immutable, Alias("audio-content")]
public sealed record AudioContent(MediaSource Source) : ContentPart;

/// <summary>The source of a media part: exactly one of <paramref name="Url"/> and <paramref name="Blob"/> is set.</summary>
/// <param name="Url">An absolute http or https URL that the upstream fetches itself.</param>
/// <param name="Blob">Bytes that were uploaded with the request.</param>
[GenerateSerializer, Immutable, Alias("media-source")]
public sealed record MediaSource(string? Url, BlobRef? Blob);

/// <summary>A reference to bytes in the blob store.</summary>
/// <param name="Id">The store's own id.</param>
/// <param name="ContentType">The media type.</param>
/// <param name="Name">The file name, sanitized and without a path.</param>
/// <param name="Size">The size in bytes.</param>
[GenerateSerializer, Immutable, Alias("blob-ref")]
public sealed record BlobRef(string Id, string ContentType, string Name, long Size);
