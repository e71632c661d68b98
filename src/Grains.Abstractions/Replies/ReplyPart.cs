using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>A part of a reply: text, reasoning, or an item.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(TextPart), "text")]
[JsonDerivedType(typeof(ReasoningPart), "reasoning")]
[JsonDerivedType(typeof(ItemPart), "item")]
[GenerateSerializer, Immutable, Alias("reply-part")]
public abstract record ReplyPart;

/// <summary>An answer, as far as it is known.</summary>
[GenerateSerializer, Immutable, Alias("text-part")]
public sealed record TextPart(string Text) : ReplyPart;

/// <summary>Reasoning, as far as it is known.</summary>
[GenerateSerializer, Immutable, Alias("reasoning-part")]
public sealed record ReasoningPart(string Text) : ReplyPart;

/// <summary>A part that is not text.</summary>
[GenerateSerializer, Immutable, Alias("item-part")]
public sealed record ItemPart(ReplyItem Item) : ReplyPart;

/// <summary>A part of a reply that is not text. <see cref="Id"/> is unique within a reply, so reading a reply again adds no item twice.</summary>
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
/// <param name="Id">The upstream's id of the call, or of the message that contains it.</param>
/// <param name="Name">The tool's name.</param>
/// <param name="Arguments">JSON text.</param>
/// <param name="ForClient">
/// True: the client has to run the tool, and the reply ends with <see cref="FinishReason.ToolCalls"/>. False: the bot ran its own plugin, and the item is for
/// information.
/// </param>
[GenerateSerializer, Immutable, Alias("tool-call-item")]
public sealed record ToolCallItem(string Id, string Name, string Arguments, bool ForClient) : ReplyItem(Id);

/// <summary>The output of a bot's own plugin.</summary>
[GenerateSerializer, Immutable, Alias("tool-output-item")]
public sealed record ToolOutputItem(string Id, string Output) : ReplyItem(Id);

/// <summary>Content that the bot retrieved from its knowledge base.</summary>
[GenerateSerializer, Immutable, Alias("knowledge-item")]
public sealed record KnowledgeItem(string Id, string Content) : ReplyItem(Id);

/// <summary>Any other item, in the upstream's own form.</summary>
[GenerateSerializer, Immutable, Alias("notice-item")]
public sealed record OtherItem(string Id, string Kind, string Content) : ReplyItem(Id);

/// <summary>An image outside the text.</summary>
[GenerateSerializer, Immutable, Alias("image-item")]
public sealed record ImageItem(string Id, string Url) : ReplyItem(Id);

/// <summary>A card, in the upstream's own form.</summary>
[GenerateSerializer, Immutable, Alias("card-item")]
public sealed record CardItem(string Id, string Content) : ReplyItem(Id);

/// <summary>A question that the bot suggests to the user.</summary>
[GenerateSerializer, Immutable, Alias("follow-up-item")]
public sealed record FollowUpItem(string Id, string Text) : ReplyItem(Id);
