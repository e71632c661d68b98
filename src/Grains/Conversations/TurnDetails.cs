using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Grains;

/// <summary>What <see cref="TurnRow.Details"/> contains.</summary>
internal sealed record TurnDetails
{
    /// <summary>See <see cref="TurnRequest.Fingerprint"/>.</summary>
    public string? Fingerprint { get; init; }

    /// <summary>See <see cref="TurnRequest.Survive"/>.</summary>
    public bool Survive { get; init; }

    /// <summary>The intent: stored before the prompt is sent. A prompt with a stored intent is never sent again.</summary>
    public bool Sent { get; init; }

    /// <summary>Whether <see cref="IModelTaskGrain"/> runs the turn, not a conversation.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsTask { get; init; }

    /// <summary>How the turn ended; null until then.</summary>
    public ReplyEvent? End { get; init; }

    /// <summary>Where the upstream changed text after it was delivered; null if nowhere.</summary>
    public IReadOnlyList<Rewrite>? Rewrites { get; init; }

    /// <summary>A hash of the instructions that the conversation at the upstream had when this was stored; null without any.</summary>
    public string? InstructionsHash { get; init; }

    /// <summary>The last attempts, oldest first; null if there was none.</summary>
    public IReadOnlyList<TurnAttempt>? Attempts { get; init; }

    /// <summary>See <see cref="TurnProgress.InputEstimate"/>; null if the turn is not charged.</summary>
    public long? InputEstimate { get; init; }

    /// <summary>See <see cref="ReservedTurn.Price"/>; null if the turn is not charged.</summary>
    public PriceDefinition? Price { get; init; }
}

/// <summary>One attempt to send a turn.</summary>
/// <param name="Bot">The bot.</param>
/// <param name="Account">The account.</param>
/// <param name="Upstream">The upstream.</param>
/// <param name="Started">When the lease was granted.</param>
internal sealed record TurnAttempt(string Bot, string Account, string Upstream, DateTimeOffset Started)
{
    /// <summary>When its first text arrived; null if none has.</summary>
    public DateTimeOffset? FirstText { get; init; }

    /// <summary>When it ended; null while it runs, and if its node failed.</summary>
    public DateTimeOffset? Ended { get; init; }

    /// <summary>Why it failed; null if it did not.</summary>
    public ErrorCode? Error { get; init; }
}

/// <summary>A change of text that was delivered before.</summary>
/// <param name="Part">Ordinal of the part.</param>
/// <param name="Offset">UTF-16 units of the part that stayed valid.</param>
internal readonly record struct Rewrite(int Part, int Offset);

/// <summary>The JSON form of what is stored of a turn. JSON names are stored: add names, never rename them.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TurnDetails))]
[JsonSerializable(typeof(UpstreamHandle))]
[JsonSerializable(typeof(TurnRequest))]
[JsonSerializable(typeof(IReadOnlyList<ChatMessage>))]
[JsonSerializable(typeof(IReadOnlyList<ReplyPart>))]
internal sealed partial class TurnJson : JsonSerializerContext
{
    /// <summary>Reads stored bytes.</summary>
    /// <exception cref="JsonException">The bytes are damaged.</exception>
    public static T Read<T>(ReadOnlyMemory<byte> bytes, JsonTypeInfo<T> type) where T : class =>
        JsonSerializer.Deserialize(bytes.Span, type) ?? throw new JsonException("The stored value is null.");
}
