using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>What observers receive: the next stretch of a reply. An empty batch is a sign of life.</summary>
/// <param name="TurnId">The turn.</param>
/// <param name="Events">In order. <see cref="ReplyCompleted"/> or <see cref="ReplyFailed"/>, if present, is the last.</param>
/// <param name="Next">The cursor behind these events.</param>
[GenerateSerializer, Immutable, Alias("reply-batch")]
public sealed record ReplyBatch(string TurnId, IReadOnlyList<ReplyEvent> Events, Cursor Next)
{
    /// <summary>Whether the reply ends with this batch.</summary>
    public bool IsLast => Events is [.., ReplyCompleted or ReplyFailed];
}

/// <summary>Something that happened in a reply.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(ReplyText), "text")]
[JsonDerivedType(typeof(ReplyReasoning), "reasoning")]
[JsonDerivedType(typeof(ReplyRewritten), "rewritten")]
[JsonDerivedType(typeof(ReplyItemAdded), "item")]
[JsonDerivedType(typeof(ReplyCompleted), "completed")]
[JsonDerivedType(typeof(ReplyFailed), "failed")]
[GenerateSerializer, Immutable, Alias("reply-event")]
public abstract record ReplyEvent;

/// <summary>More answer text.</summary>
/// <param name="Part">Ordinal of the part.</param>
/// <param name="Offset">Where in the part this text starts.</param>
/// <param name="Answer">Which answer of the reply this is, from 0: a bot may give several, and surfaces put a blank line between them.</param>
/// <param name="Text">The text; never ends between the halves of a surrogate pair, except at the very end of a malformed reply.</param>
[GenerateSerializer(IncludePrimaryConstructorParameters = false), Immutable, Alias("reply-text")]
public sealed record ReplyText(
    [property: Id(0)] int Part, [property: Id(1)] int Offset, [property: Id(2)] int Answer, ReadOnlyMemory<char> Text) : ReplyEvent
{
    [Id(3)]
    private readonly TextSlice _text = new(Text);

    /// <summary>The text; never ends between the halves of a surrogate pair, except at the very end of a malformed reply.</summary>
    [JsonConverter(typeof(TextConverter))]
    public ReadOnlyMemory<char> Text { get => _text.Characters; init => _text = new(value); }
}

/// <summary>More of the model's reasoning.</summary>
/// <param name="Part">Ordinal of the part.</param>
/// <param name="Offset">Where in the part this text starts.</param>
/// <param name="Text">The text.</param>
[GenerateSerializer(IncludePrimaryConstructorParameters = false), Immutable, Alias("reply-reasoning")]
public sealed record ReplyReasoning([property: Id(0)] int Part, [property: Id(1)] int Offset, ReadOnlyMemory<char> Text) : ReplyEvent
{
    [Id(2)]
    private readonly TextSlice _text = new(Text);

    /// <summary>The text.</summary>
    [JsonConverter(typeof(TextConverter))]
    public ReadOnlyMemory<char> Text { get => _text.Characters; init => _text = new(value); }
}

/// <summary>
/// The upstream rewrote text this observer already has: cut the part back to <paramref name="Offset"/>; the text that follows continues there.
/// </summary>
/// <param name="Part">Ordinal of the part.</param>
/// <param name="Offset">How much of the part is still valid.</param>
[GenerateSerializer, Immutable, Alias("reply-rewritten")]
public sealed record ReplyRewritten(int Part, int Offset) : ReplyEvent;

/// <summary>A part that is not text.</summary>
/// <param name="Part">Ordinal of the part.</param>
/// <param name="Item">The part.</param>
[GenerateSerializer, Immutable, Alias("reply-item-added")]
public sealed record ReplyItemAdded(int Part, ReplyItem Item) : ReplyEvent;

/// <summary>The reply is complete.</summary>
[GenerateSerializer, Immutable, Alias("reply-completed")]
public sealed record ReplyCompleted(FinishReason Reason, Usage? Usage, ReplyOrigin? Origin) : ReplyEvent;

/// <summary>The reply ended with an error; what was delivered before is valid, but not whole.</summary>
[GenerateSerializer, Immutable, Alias("reply-failed")]
public sealed record ReplyFailed(Error Error, ReplyOrigin? Origin) : ReplyEvent;

/// <summary>Why a reply ended.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FinishReason>))]
[GenerateSerializer, Alias("finish-reason")]
public enum FinishReason
{
    /// <summary>The bot was done.</summary>
    Stop,

    /// <summary>A length limit cut it.</summary>
    Length,

    /// <summary>It waits for results of tool calls.</summary>
    ToolCalls,

    /// <summary>A content filter cut it.</summary>
    ContentFilter,
}

/// <summary>Tokens as the upstream counted them.</summary>
[GenerateSerializer, Immutable, Alias("usage")]
public sealed record Usage(long InputTokens, long OutputTokens, long TotalTokens);

/// <summary>Where a reply came from.</summary>
/// <param name="BotId">The bot, as the fleet names it.</param>
/// <param name="Upstream">The upstream's name (<c>coze</c>).</param>
/// <param name="Ids">The upstream's own ids (<c>conversation_id</c>, <c>chat_id</c>, <c>bot_id</c>, <c>logid</c>), in its own words.</param>
[GenerateSerializer, Immutable, Alias("reply-origin")]
public sealed record ReplyOrigin(string BotId, string Upstream, IReadOnlyDictionary<string, string> Ids);

/// <summary>A part of a reply that is not text. Within one reply <see cref="Id"/> is unique, so that a reply read twice adds nothing twice.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(ToolCallItem), "tool_call")]
[JsonDerivedType(typeof(ToolOutputItem), "tool_output")]
[JsonDerivedType(typeof(KnowledgeItem), "knowledge")]
[JsonDerivedType(typeof(OtherItem), "notice")]
[JsonDerivedType(typeof(ImageItem), "image")]
[JsonDerivedType(typeof(CardItem), "card")]
[JsonDerivedType(typeof(FollowUpItem), "follow_up")]
[GenerateSerializer, Immutable, Alias("reply-item")]
public abstract record ReplyItem(string Id);

/// <summary>A tool call.</summary>
/// <param name="Id">The upstream's id of the call or of the message that holds it.</param>
/// <param name="Name">The tool's name.</param>
/// <param name="Arguments">JSON text.</param>
/// <param name="ForClient">True: the client has to run it and the reply ends with <see cref="FinishReason.ToolCalls"/>. False: the bot's own plugin, for information.</param>
[GenerateSerializer, Immutable, Alias("tool-call-item")]
public sealed record ToolCallItem(string Id, string Name, string Arguments, bool ForClient) : ReplyItem(Id);

/// <summary>What a bot's own plugin answered.</summary>
[GenerateSerializer, Immutable, Alias("tool-output-item")]
public sealed record ToolOutputItem(string Id, string Output) : ReplyItem(Id);

/// <summary>What a bot's knowledge base recalled.</summary>
[GenerateSerializer, Immutable, Alias("knowledge-item")]
public sealed record KnowledgeItem(string Id, string Content) : ReplyItem(Id);

/// <summary>Anything else the upstream sent, in its own form.</summary>
[GenerateSerializer, Immutable, Alias("notice-item")]
public sealed record OtherItem(string Id, string Kind, string Content) : ReplyItem(Id);

/// <summary>An image outside the text.</summary>
[GenerateSerializer, Immutable, Alias("image-item")]
public sealed record ImageItem(string Id, string Url) : ReplyItem(Id);

/// <summary>A card, in the upstream's own form.</summary>
[GenerateSerializer, Immutable, Alias("card-item")]
public sealed record CardItem(string Id, string Content) : ReplyItem(Id);

/// <summary>A question the bot suggests.</summary>
[GenerateSerializer, Immutable, Alias("follow-up-item")]
public sealed record FollowUpItem(string Id, string Text) : ReplyItem(Id);
