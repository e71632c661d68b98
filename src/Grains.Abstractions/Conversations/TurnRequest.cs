using System.Collections.ObjectModel;

namespace CozeCluster;

/// <summary>A client's request to a conversation, independent of the API that received it.</summary>
[GenerateSerializer, Immutable, Alias("turn-request")]
public sealed record TurnRequest
{
    /// <summary>Created by the gateway; see <see cref="TurnId"/>. A second request with the same id begins no second turn.</summary>
    [Id(0)]
    public required string TurnId { get; init; }

    /// <summary>The tenant.</summary>
    [Id(1)]
    public required string TenantId { get; init; }

    /// <summary>The requested model.</summary>
    [Id(2)]
    public required string Model { get; init; }

    /// <summary>The prompt, oldest first; at least one message.</summary>
    [Id(3)]
    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    /// <summary>The client's name for the conversation; null for a new conversation without a name.</summary>
    [Id(4)]
    public string? ConversationName { get; init; }

    /// <summary>The client's end user. The upstream keeps the memories of users separate. Null: the tenant.</summary>
    [Id(5)]
    public string? User { get; init; }

    /// <summary>Results of the tool calls with which an earlier turn ended (<see cref="FinishReason.ToolCalls"/>).</summary>
    [Id(6)]
    public IReadOnlyList<ToolOutput> ToolOutputs { get => field ?? []; init; }

    /// <summary>Variables for the bot's prompt (Coze <c>custom_variables</c>).</summary>
    [Id(7)]
    public IReadOnlyDictionary<string, string> Variables { get => field ?? ReadOnlyDictionary<string, string>.Empty; init; }

    /// <summary>The client's metadata, passed to upstreams that accept metadata.</summary>
    [Id(8)]
    public IReadOnlyDictionary<string, string> Metadata { get => field ?? ReadOnlyDictionary<string, string>.Empty; init; }

    /// <summary>Whether the turn continues without a subscriber.</summary>
    [Id(9)]
    public bool Survive { get; init; }

    /// <summary>A hash of the request, to compare requests with the same idempotency key; null without a key.</summary>
    [Id(10)]
    public string? Fingerprint { get; init; }

    /// <summary>The name of the API key that sent the request, for the log; null if it is not known.</summary>
    [Id(11)]
    public string? KeyName { get; init; }

    /// <summary>The client's settings for language models.</summary>
    [Id(12)]
    public GenerationSettings Settings { get => field ?? GenerationSettings.None; init; }

    /// <summary>The tenant's own credential of an upstream; null: none came with the request.</summary>
    [Id(13)]
    public RequestCredential? Credential { get; init; }

    /// <summary>
    /// Where on Discord the prompt is posted: the ids of a server and of a channel in it (<c>1/2</c>), which the gateway has checked with
    /// <see cref="IGuildChannelsGrain.MayUse"/>. Null: the options of the bot decide. Other upstreams ignore it.
    /// </summary>
    [Id(14)]
    public string? Channel { get; init; }

    /// <summary>
    /// The span of the HTTP request, as W3C's <c>traceparent</c> writes it: the turn is traced as a part of it. Null: the gateway traces nothing.
    /// </summary>
    [Id(60)]
    public string? TraceParent { get; init; }
}

/// <summary>The result of a tool call.</summary>
/// <param name="CallId">The id of the call, as the client received it.</param>
/// <param name="Output">The tool's output.</param>
[GenerateSerializer, Immutable, Alias("tool-output")]
public sealed record ToolOutput(string CallId, string Output);
