using System.Text.Json;
using CozeCluster.Gateway.Replies;

namespace CozeCluster.Gateway.Surfaces.Chat;

/// <summary>The values that all chunks of one completion share.</summary>
/// <param name="TurnId">The turn.</param>
/// <param name="Model">The requested model.</param>
/// <param name="Created">When the turn was created, in Unix seconds.</param>
/// <param name="ConversationName">The client's name for the conversation; null if it has none.</param>
internal sealed record CompletionInfo(string TurnId, string Model, long Created, string? ConversationName)
{
    /// <summary>
    /// The id of the completion. It is derived from the turn id, so every rendering of the turn has the same one. Choices of one completion have that of the
    /// first one's turn.
    /// </summary>
    public string CompletionId { get; } = "chatcmpl-" + TurnId.AsSpan("turn_".Length).ToString();

    /// <summary>See <see cref="ChatRequest.IgnoredFields"/>.</summary>
    public IReadOnlyList<string> IgnoredFields { get; init; } = [];

    public static CompletionInfo Of(TurnSnapshot turn) => new(turn.TurnId, turn.Model, turn.CreatedAt.ToUnixTimeSeconds(), turn.ConversationName);
}

/// <summary>Writes a reply as a chat completion.</summary>
internal static class CompletionJson
{
    public static void Write(Utf8JsonWriter writer, CompletionInfo info, ReplyContent content)
    {
        WriteHead(writer, info);
        WriteChoice(writer, 0, info, content);
        writer.WriteEndObject();
        writer.WriteEndArray();
        WriteUsage(writer, (content.End as ReplyCompleted)?.Usage);
        WriteExtension(writer, info, content);
        writer.WriteEndObject();
    }

    /// <summary>Writes the replies of several turns as the choices of one completion. Each choice has the extension object of its turn.</summary>
    public static void Write(Utf8JsonWriter writer, IReadOnlyList<(CompletionInfo Info, ReplyContent Content)> choices)
    {
        WriteHead(writer, choices[0].Info);
        for (var index = 0; index < choices.Count; index++)
        {
            WriteChoice(writer, index, choices[index].Info, choices[index].Content);
            WriteExtension(writer, choices[index].Info, choices[index].Content);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        WriteUsage(writer, Sum(choices.Select(choice => (choice.Content.End as ReplyCompleted)?.Usage)));
        writer.WriteEndObject();
    }

    /// <summary>
    /// Adds the token counts of turns. Each turn has sent the prompt and is charged for it, so its tokens count each time, other than in OpenAI's own API.
    /// </summary>
    /// <returns>The sum; null if the upstream reported no counts.</returns>
    public static Usage? Sum(IEnumerable<Usage?> usages) => usages.OfType<Usage>().Aggregate((Usage?)null, static (sum, usage) => sum is null ? usage
        : new Usage(sum.InputTokens + usage.InputTokens, sum.OutputTokens + usage.OutputTokens, sum.TotalTokens + usage.TotalTokens)
        {
            CachedInputTokens = Add(sum.CachedInputTokens, usage.CachedInputTokens),
            CacheWriteTokens = Add(sum.CacheWriteTokens, usage.CacheWriteTokens),
            ReasoningTokens = Add(sum.ReasoningTokens, usage.ReasoningTokens),
            IsEstimated = sum.IsEstimated || usage.IsEstimated,
        });

    /// <summary>Writes token counts. They are zero if the upstream reported none, because clients expect numbers.</summary>
    public static void WriteUsage(Utf8JsonWriter writer, Usage? usage)
    {
        writer.WriteStartObject("usage"u8);
        writer.WriteNumber("prompt_tokens"u8, usage?.InputTokens ?? 0);
        writer.WriteNumber("completion_tokens"u8, usage?.OutputTokens ?? 0);
        writer.WriteNumber("total_tokens"u8, usage?.TotalTokens ?? 0);
        if (usage?.CachedInputTokens is not null || usage?.CacheWriteTokens is not null)
        {
            writer.WriteStartObject("prompt_tokens_details"u8);
            writer.WriteNumber("cached_tokens"u8, usage.CachedInputTokens ?? 0);
            if (usage.CacheWriteTokens is { } written) writer.WriteNumber("cache_write_tokens"u8, written);
            writer.WriteEndObject();
        }
        if (usage?.ReasoningTokens is { } reasoning)
        {
            writer.WriteStartObject("completion_tokens_details"u8);
            writer.WriteNumber("reasoning_tokens"u8, reasoning);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }

    /// <summary>Writes the members of a tool call.</summary>
    public static void WriteToolCall(Utf8JsonWriter writer, string callId, string name, string arguments)
    {
        writer.WriteString("id"u8, callId);
        writer.WriteString("type"u8, "function"u8);
        writer.WriteStartObject("function"u8);
        writer.WriteString("name"u8, name);
        writer.WriteString("arguments"u8, arguments);
        writer.WriteEndObject();
    }

    /// <summary>OpenAI's name for the reason why a reply ended.</summary>
    public static ReadOnlySpan<byte> NameOf(FinishReason reason) => reason switch
    {
        FinishReason.Length => "length"u8,
        FinishReason.ToolCalls => "tool_calls"u8,
        FinishReason.ContentFilter => "content_filter"u8,
        _ => "stop"u8,
    };

    private static long? Add(long? one, long? other) => one is null && other is null ? null : (one ?? 0) + (other ?? 0);

    private static void WriteHead(Utf8JsonWriter writer, CompletionInfo info)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, info.CompletionId);
        writer.WriteString("object"u8, "chat.completion"u8);
        writer.WriteNumber("created"u8, info.Created);
        writer.WriteString("model"u8, info.Model);
        writer.WriteStartArray("choices"u8);
    }

    /// <summary>Begins a choice, which the caller ends.</summary>
    private static void WriteChoice(Utf8JsonWriter writer, int index, CompletionInfo info, ReplyContent content)
    {
        var completed = content.End as ReplyCompleted;
        writer.WriteStartObject();
        writer.WriteNumber("index"u8, index);
        WriteMessage(writer, info, content, completed);
        writer.WriteNull("logprobs"u8);
        if (completed is null) writer.WriteNull("finish_reason"u8);
        else writer.WriteString("finish_reason"u8, NameOf(completed.Reason));
    }

    private static void WriteExtension(Utf8JsonWriter writer, CompletionInfo info, ReplyContent content)
    {
        var completed = content.End as ReplyCompleted;
        var origin = completed?.Origin ?? (content.End as ReplyFailed)?.Origin;
        ExtensionJson.Write(writer, info, origin, completed?.Usage, content.Items.OfType<FollowUpItem>(), content.Items.Where(ExtensionJson.IsEvent));
    }

    private static void WriteMessage(Utf8JsonWriter writer, CompletionInfo info, ReplyContent content, ReplyCompleted? completed)
    {
        writer.WriteStartObject("message"u8);
        writer.WriteString("role"u8, "assistant"u8);
        writer.WriteString("content"u8, content.BuildText() ?? (completed?.Reason == FinishReason.ToolCalls ? null : ""));
        writer.WriteNull("refusal"u8);
        if (content.BuildReasoning() is { } reasoning) writer.WriteString("reasoning_content"u8, reasoning);
        writer.WriteStartArray("annotations"u8);
        writer.WriteEndArray();
        var ordinal = 0;
        foreach (var call in content.Items.OfType<ToolCallItem>())
        {
            if (!call.ForClient) continue;
            if (ordinal == 0) writer.WriteStartArray("tool_calls"u8);
            writer.WriteStartObject();
            WriteToolCall(writer, ToolCallIds.Of(info.TurnId, ordinal++), call.Name, call.Arguments);
            writer.WriteEndObject();
        }
        if (ordinal > 0) writer.WriteEndArray();
        writer.WriteEndObject();
    }
}

/// <summary>Writes the extension object <c>cozecluster</c>: the parts of a bot's reply that OpenAI's format has no place for.</summary>
internal static class ExtensionJson
{
    /// <summary>Writes the object of a reply that has ended.</summary>
    /// <param name="writer">The writer.</param>
    /// <param name="info">The completion.</param>
    /// <param name="origin">Where the reply came from; null if that is unknown.</param>
    /// <param name="usage">The token counts; null if there are none.</param>
    /// <param name="followUps">The questions that the bot suggests.</param>
    /// <param name="events">The items that are events (see <see cref="IsEvent"/>); null if they were sent before.</param>
    public static void Write(
        Utf8JsonWriter writer, CompletionInfo info, ReplyOrigin? origin, Usage? usage, IEnumerable<FollowUpItem> followUps, IEnumerable<ReplyItem>? events)
    {
        writer.WriteStartObject("cozecluster"u8);
        writer.WriteString("turn_id"u8, info.TurnId);
        writer.WriteString("conversation_id"u8, info.ConversationName);
        if (usage is { IsEstimated: true }) writer.WriteBoolean("usage_estimated"u8, true);
        if (info.IgnoredFields.Count > 0)
        {
            writer.WriteStartArray("ignored_fields"u8);
            foreach (var field in info.IgnoredFields) writer.WriteStringValue(field);
            writer.WriteEndArray();
        }
        if (origin is not null)
        {
            writer.WriteStartObject("origin"u8);
            writer.WriteString("bot"u8, origin.BotId);
            writer.WriteString("upstream"u8, origin.Upstream);
            writer.WriteStartObject("ids"u8);
            foreach (var (name, id) in origin.Ids) writer.WriteString(name, id);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        writer.WriteStartArray("follow_ups"u8);
        foreach (var followUp in followUps) writer.WriteStringValue(followUp.Text);
        writer.WriteEndArray();
        if (events is not null)
        {
            writer.WriteStartArray("events"u8);
            foreach (var item in events) WriteEvent(writer, item);
            writer.WriteEndArray();
        }
        writer.WriteEndObject();
    }

    /// <summary>Whether an item is written as an event. Images are content, follow-ups have their own member, and the client runs its own tool calls.</summary>
    public static bool IsEvent(ReplyItem item) => item is not (ImageItem or FollowUpItem or ToolCallItem { ForClient: true });

    public static void WriteEvent(Utf8JsonWriter writer, ReplyItem item)
    {
        writer.WriteStartObject();
        switch (item)
        {
            case ToolCallItem call:
                WriteHead(writer, "tool_call"u8, item);
                writer.WriteString("name"u8, call.Name);
                writer.WriteString("arguments"u8, call.Arguments);
                break;
            case ToolOutputItem output:
                WriteHead(writer, "tool_output"u8, item);
                writer.WriteString("output"u8, output.Output);
                break;
            case KnowledgeItem knowledge:
                WriteHead(writer, "knowledge"u8, item);
                writer.WriteString("content"u8, knowledge.Content);
                break;
            case OtherItem other:
                WriteHead(writer, "notice"u8, item);
                writer.WriteString("kind"u8, other.Kind);
                writer.WriteString("content"u8, other.Content);
                break;
            case CardItem card:
                WriteHead(writer, "card"u8, item);
                writer.WriteString("content"u8, card.Content);
                break;
        }
        writer.WriteEndObject();
    }

    private static void WriteHead(Utf8JsonWriter writer, ReadOnlySpan<byte> type, ReplyItem item)
    {
        writer.WriteString("type"u8, type);
        writer.WriteString("id"u8, item.Id);
    }
}
