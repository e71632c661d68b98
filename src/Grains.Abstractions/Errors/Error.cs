using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>A <see cref="ClusterException"/> as a value.</summary>
/// <param name="Code">What went wrong.</param>
/// <param name="Message">For the client; no secrets.</param>
/// <param name="Param">The request field at fault.</param>
/// <param name="Until">When it is worth trying again.</param>
[GenerateSerializer, Immutable, Alias("error")]
public sealed record Error(ErrorCode Code, string Message, string? Param = null, DateTimeOffset? Until = null)
{
    /// <summary>What helps, where it differs from the code's usual cure: one account may be out of credit, or the whole bot.</summary>
    [Id(0), JsonPropertyName("ownCure")]
    public RecoveryAction? OwnRecoveryAction { get; init; }

    /// <summary>What to do before any text was delivered.</summary>
    [JsonIgnore]
    public RecoveryAction RecoveryAction => OwnRecoveryAction ?? ErrorTable.Of(Code).RecoveryAction;

    /// <summary>The same error as an exception.</summary>
    public ClusterException ToException() => new(Code, Message, Param, Until);
}
