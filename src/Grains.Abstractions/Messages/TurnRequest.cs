using System.Collections.ObjectModel;

namespace CozeCluster.Messages;

/// <summary>What a client asks of a conversation, whatever API it came through.</summary>
public sealed record TurnRequest
{
    /// <summary>Minted by the gateway; see <see cref="TurnId"/>. Beginning a turn is idempotent on it.</summary>
    public required string TurnId { get; init; }

    /// <summary>Whose turn it is.</summary>
    public required string TenantId { get; init; }

    /// <summary>The model asked for.</summary>
    public required string Model { get; init; }

    /// <summary>The prompt, oldest first; at least one message.</summary>
    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    /// <summary>The name the client gave the conversation; null for a fresh one that nobody will continue.</summary>
    public string? ConversationName { get; init; }

    /// <summary>The client's own end user, to keep memories apart at the far side; null: the tenant.</summary>
    public string? User { get; init; }

    /// <summary>Results of tool calls an earlier turn ended with (<see cref="FinishReason.ToolCalls"/>).</summary>
    public IReadOnlyList<ToolOutput> ToolOutputs { get => field ?? []; init; }

    /// <summary>Variables for the bot's prompt (Coze <c>custom_variables</c>).</summary>
    public IReadOnlyDictionary<string, string> Variables { get => field ?? ReadOnlyDictionary<string, string>.Empty; init; }

    /// <summary>The client's metadata, passed to far sides that take it.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get => field ?? ReadOnlyDictionary<string, string>.Empty; init; }

    /// <summary>Whether the turn goes on when nobody listens.</summary>
    public bool Survive { get; init; }

    /// <summary>A hash of the request under an idempotency key; null without one.</summary>
    public string? Fingerprint { get; init; }
}

/// <summary>The result of a tool call.</summary>
/// <param name="CallId">The id the call was given to the client under.</param>
/// <param name="Output">What the tool said.</param>
public sealed record ToolOutput(string CallId, string Output);
