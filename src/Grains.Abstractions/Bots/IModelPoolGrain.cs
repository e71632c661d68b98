namespace CozeCluster;

/// <summary>The bots behind one model of one tenant. Key: <see cref="GrainKeys.ModelPool"/>.</summary>
[Alias("model-pool")]
public interface IModelPoolGrain : IGrainWithStringKey
{
    /// <summary>
    /// Picks the preferred bot if it is available, else an available bot of the first tier that has one, as <see cref="ModelDefinition.Routing"/> says, else
    /// the first available one of the fallback.
    /// </summary>
    /// <param name="tenantId">The tenant of the key.</param>
    /// <param name="model">The model of the key.</param>
    /// <param name="request">The preferred bot, and bots to skip.</param>
    /// <remarks>A repeated call may skip one bot of its order. This is harmless.</remarks>
    /// <exception cref="ClusterException"><see cref="ErrorCode.ModelNotFound"/>.</exception>
    [Alias("Pick"), Idempotent]
    Task<PickResult> Pick(string tenantId, string model, PickRequest request);

    /// <summary>
    /// What <see cref="Pick"/> would answer after the bots in <see cref="PickRequest.Refused"/> have refused, in this order. Changes nothing.
    /// </summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.ModelNotFound"/>.</exception>
    [Alias("Explain"), Idempotent]
    Task<PoolExplanation> Explain(string tenantId, string model, PickRequest request);
}

/// <summary>Asks a pool for a bot.</summary>
/// <param name="Preferred">The bot that the conversation already uses. It is picked if it is still in the pool and available.</param>
/// <param name="Refused">Bots that refused this turn. The pool skips them for this turn, and for all turns until <see cref="Refusal.Until"/>.</param>
[GenerateSerializer, Immutable, Alias("pick-request")]
public sealed record PickRequest(string? Preferred, IReadOnlyList<Refusal> Refused)
{
    /// <summary>Whether only language models can serve the turn: see <see cref="GenerationSettings.NeedsLanguageModel"/>.</summary>
    [Id(0)]
    public bool LanguageModelsOnly { get; init; }

    /// <summary>
    /// The upstream of the credential that came with the request; null: none came. If a bot of the model takes it, only such bots and those of the fallback are
    /// picked.
    /// </summary>
    [Id(1)]
    public string? CredentialUpstream { get; init; }

    /// <summary>Only bots with this task are picked.</summary>
    [Id(2)]
    public ModelTask Task { get; init; }
}

/// <summary>A pool's choice.</summary>
/// <param name="BotId">The bot; null if no bot is available.</param>
/// <param name="Error">Why no bot is available; null with a bot.</param>
/// <param name="Upstream">The name of the bot's upstream, if the pool knows it.</param>
[GenerateSerializer, Immutable, Alias("pick-result")]
public sealed record PickResult(string? BotId, Error? Error, string? Upstream = null);
