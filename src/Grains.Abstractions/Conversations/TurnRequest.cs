using System.Collections.ObjectModel;

namespace CozeCluster;

/// <summary>What a client asks of a conversation, whatever API it came through.</summary>
[GenerateSerializer, Immutable, Alias("turn-request")]
public sealed record TurnRequest
{
    /// <summary>Minted by the gateway; see <see cref="TurnId"/>. Beginning a turn is idempotent on it.</summary>
    [Id(0)]
    public required string TurnId { get; init; }

    /// <summary>Whose turn it is.</summary>
    [Id(1)]
    public required string TenantId { get; init; }

    /// <summary>The model asked for.</summary>
    [Id(2)]
    public required string Model { get; init; }

    /// <summary>The prompt, oldest first; at least one message.</summary>
    [Id(3)]
    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    /// <summary>The name the client gave the conversation; null for a new one that will not be continued.</summary>
    [Id(4)]
    public string? ConversationName { get; init; }

    /// <summary>The client's own end user, to keep memories apart at the upstream; null: the tenant.</summary>
    [Id(5)]
    public string? User { get; init; }

    /// <summary>Results of tool calls an earlier turn ended with (<see cref="FinishReason.ToolCalls"/>).</summary>
    [Id(6)]
    public IReadOnlyList<ToolOutput> ToolOutputs { get => field ?? []; init; }

    /// <summary>Variables for the bot's prompt (Coze <c>custom_variables</c>).</summary>
    [Id(7)]
    public IReadOnlyDictionary<string, string> Variables { get => field ?? ReadOnlyDictionary<string, string>.Empty; init; }

    /// <summary>The client's metadata, passed to upstreams that take it.</summary>
    [Id(8)]
    public IReadOnlyDictionary<string, string> Metadata { get => field ?? ReadOnlyDictionary<string, string>.Empty; init; }

    /// <summary>Whether the turn continues without a subscriber.</summary>
    [Id(9)]
    public bool Survive { get; init; }

    /// <summary>A hash of the request under an idempotency key; null without one.</summary>
    [Id(10)]
    public string? Fingerprint { get; init; }
}

/// <summary>The result of a tool call.</summary>
/// <param name="CallId">The id the call was given to the client under.</param>
/// <param name="Output">What the tool said.</param>
[GenerateSerializer, Immutable, Alias("tool-output")]
public sealed record ToolOutput(string CallId, string Output);
