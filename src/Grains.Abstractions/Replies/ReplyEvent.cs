using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>The next events of a reply, as subscribers receive them. An empty batch is a heartbeat.</summary>
/// <param name="TurnId">The turn.</param>
/// <param name="Events">In order. <see cref="ReplyCompleted"/> or <see cref="ReplyFailed"/>, if present, is the last.</param>
/// <param name="Next">The cursor after these events.</param>
[GenerateSerializer, Immutable, Alias("reply-batch")]
public sealed record ReplyBatch(string TurnId, IReadOnlyList<ReplyEvent> Events, Cursor Next)
{
    /// <summary>Who answers. Only in batches from the start of a reply; null if no attempt has begun.</summary>
    [Id(50)]
    public ReplySource? Source { get; init; }

    /// <summary>Whether the reply ends with this batch.</summary>
    public bool IsLast => Events is [.., ReplyCompleted or ReplyFailed];

    /// <summary>What the first text waited for, in the last batch of a reply; null in others, and for turns that waited for something else as well.</summary>
    [Id(60)]
    public TurnTiming? Timing { get; init; }
}

/// <summary>
/// What the first text of a turn waited for. The gateway subtracts both from the time that its client waited: the rest is the cost of this project.
/// </summary>
/// <param name="Upstream">The name of the upstream.</param>
/// <param name="Queued">The wait behind other turns of the conversation.</param>
/// <param name="FirstText">From the request to the upstream to the first text.</param>
[GenerateSerializer, Immutable, Alias("turn-timing")]
public sealed record TurnTiming(string Upstream, TimeSpan Queued, TimeSpan FirstText);

/// <summary>Who answers a turn.</summary>
/// <param name="BotId">The bot's id in the fleet.</param>
/// <param name="Attempts">How many attempts were made, with that of this bot.</param>
[GenerateSerializer, Immutable, Alias("reply-source")]
public sealed record ReplySource(string BotId, int Attempts);

/// <summary>An event of a reply.</summary>
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
/// <param name="Part">The ordinal of the part.</param>
/// <param name="Offset">Where this text starts in the part, in UTF-16 units.</param>
/// <param name="Answer">The ordinal of the answer, from 0. A bot may give several answers in one reply; surfaces put a blank line between them.</param>
/// <param name="Text">The text. It never ends between the halves of a surrogate pair, except at the end of a malformed reply.</param>
[GenerateSerializer(IncludePrimaryConstructorParameters = false), Immutable, Alias("reply-text")]
public sealed record ReplyText(
    [property: Id(0)] int Part, [property: Id(1)] int Offset, [property: Id(2)] int Answer, ReadOnlyMemory<char> Text) : ReplyEvent
{
    [Id(3)]
    private readonly TextSlice _text = new(Text);

    /// <summary>The text. It never ends between the halves of a surrogate pair, except at the end of a malformed reply.</summary>
    [JsonConverter(typeof(TextConverter))]
    public ReadOnlyMemory<char> Text { get => _text.Characters; init => _text = new(value); }
}

/// <summary>More of the model's reasoning.</summary>
/// <param name="Part">The ordinal of the part.</param>
/// <param name="Offset">Where this text starts in the part, in UTF-16 units.</param>
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
/// The upstream rewrote text that the subscriber has already received. The subscriber cuts the part at <paramref name="Offset"/>; the next text of the part
/// continues there.
/// </summary>
/// <param name="Part">The ordinal of the part.</param>
/// <param name="Offset">The length of the text that is still valid.</param>
[GenerateSerializer, Immutable, Alias("reply-rewritten")]
public sealed record ReplyRewritten(int Part, int Offset) : ReplyEvent;

/// <summary>A part that is not text.</summary>
/// <param name="Part">The ordinal of the part.</param>
/// <param name="Item">The part.</param>
[GenerateSerializer, Immutable, Alias("reply-item-added")]
public sealed record ReplyItemAdded(int Part, ReplyItem Item) : ReplyEvent;

/// <summary>The reply is complete.</summary>
[GenerateSerializer, Immutable, Alias("reply-completed")]
public sealed record ReplyCompleted(FinishReason Reason, Usage? Usage, ReplyOrigin? Origin) : ReplyEvent;

/// <summary>The reply ended with an error. Text that was delivered before is valid but incomplete.</summary>
[GenerateSerializer, Immutable, Alias("reply-failed")]
public sealed record ReplyFailed(Error Error, ReplyOrigin? Origin) : ReplyEvent;

/// <summary>Why a reply ended.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FinishReason>))]
[GenerateSerializer, Alias("finish-reason")]
public enum FinishReason
{
    /// <summary>The bot has finished.</summary>
    Stop,

    /// <summary>A length limit ended it.</summary>
    Length,

    /// <summary>The bot waits for results of tool calls.</summary>
    ToolCalls,

    /// <summary>A content filter ended it.</summary>
    ContentFilter,
}

/// <summary>Numbers of tokens, as the upstream counted them.</summary>
[GenerateSerializer, Immutable, Alias("usage")]
public sealed record Usage(long InputTokens, long OutputTokens, long TotalTokens)
{
    /// <summary>The input tokens that were read from a cache, as part of the input tokens; null if the upstream does not count them.</summary>
    [Id(0)]
    public long? CachedInputTokens { get; init; }

    /// <summary>The input tokens that were written to a cache, as part of the input tokens; null if the upstream does not count them.</summary>
    [Id(1)]
    public long? CacheWriteTokens { get; init; }

    /// <summary>The tokens of the reasoning, as part of the output tokens; null if the upstream does not count them.</summary>
    [Id(2)]
    public long? ReasoningTokens { get; init; }

    /// <summary>Whether the numbers are an estimate of ours, because the upstream does not count tokens.</summary>
    [Id(3)]
    public bool IsEstimated { get; init; }
}

/// <summary>The origin of a reply.</summary>
/// <param name="BotId">The bot's id in the fleet.</param>
/// <param name="Upstream">The upstream's name (<c>coze</c>).</param>
/// <param name="Ids">The upstream's own ids, under its own names (<c>conversation_id</c>, <c>chat_id</c>, <c>bot_id</c>, <c>logid</c>).</param>
[GenerateSerializer, Immutable, Alias("reply-origin")]
public sealed record ReplyOrigin(string BotId, string Upstream, IReadOnlyDictionary<string, string> Ids);
