using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>Who speaks in a prompt.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ChatRole>))]
[GenerateSerializer, Alias("chat-role")]
public enum ChatRole
{
    /// <summary>Instructions (<c>system</c> and <c>developer</c>).</summary>
    System,

    /// <summary>The person.</summary>
    User,

    /// <summary>The bot.</summary>
    Assistant,

    /// <summary>The result of a tool call.</summary>
    Tool,
}

/// <summary>One message of a prompt, whatever API it came through.</summary>
/// <param name="Role">Who speaks.</param>
/// <param name="Content">Text, images and files, in order. Empty only for an assistant message that holds nothing but tool calls.</param>
[GenerateSerializer, Immutable, Alias("chat-message")]
public sealed record ChatMessage(ChatRole Role, IReadOnlyList<ContentPart> Content)
{
    /// <summary>For <see cref="ChatRole.Tool"/>: the id of the call this answers.</summary>
    [Id(0)]
    public string? ToolCallId { get; init; }

    /// <summary>For <see cref="ChatRole.Assistant"/>: the calls it made.</summary>
    [Id(1)]
    public IReadOnlyList<ToolCall> ToolCalls { get => field ?? []; init; }

    /// <summary>All text of the message, parts joined by a line break.</summary>
    [JsonIgnore]
    public string Text => Content is [TextContent only] ? only.Text : string.Join('\n', Content.OfType<TextContent>().Select(part => part.Text));
}

/// <summary>A tool call in a prompt's history.</summary>
/// <param name="Id">The id it was given here.</param>
/// <param name="Name">The tool's name.</param>
/// <param name="Arguments">JSON text.</param>
[GenerateSerializer, Immutable, Alias("tool-call")]
public sealed record ToolCall(string Id, string Name, string Arguments);

/// <summary>A piece of a message.</summary>
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

/// <summary>An image: by address, or uploaded with the request.</summary>
[GenerateSerializer, Immutable, Alias("image-content")]
public sealed record ImageContent(MediaSource Source) : ContentPart;

/// <summary>A file: by address, or uploaded with the request.</summary>
[GenerateSerializer, Immutable, Alias("file-content")]
public sealed record FileContent(MediaSource Source) : ContentPart;

/// <summary>Recorded speech.</summary>
[GenerateSerializer, Immutable, Alias("audio-content")]
public sealed record AudioContent(MediaSource Source) : ContentPart;

/// <summary>Where the bytes of a media part are: exactly one of <paramref name="Url"/> and <paramref name="Blob"/> is set.</summary>
/// <param name="Url">An absolute http or https address that the upstream fetches itself.</param>
/// <param name="Blob">Bytes that came with the request.</param>
[GenerateSerializer, Immutable, Alias("media-source")]
public sealed record MediaSource(string? Url, BlobRef? Blob);

/// <summary>A reference to bytes in the blob store.</summary>
/// <param name="Id">The store's own id.</param>
/// <param name="ContentType">Media type.</param>
/// <param name="Name">File name, sanitized: no path.</param>
/// <param name="Size">Bytes.</param>
[GenerateSerializer, Immutable, Alias("blob-ref")]
public sealed record BlobRef(string Id, string ContentType, string Name, long Size);
