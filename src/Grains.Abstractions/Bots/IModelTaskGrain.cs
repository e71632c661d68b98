using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>
/// Runs one task of a model besides chat for a gateway, which has no upstreams. Key: the conversation key of the turn id
/// (<see cref="TurnId.TryGetConversation"/>), as if it were a conversation with one turn.
/// </summary>
[Alias("model-task-run")]
public interface IModelTaskGrain : IGrainWithStringKey
{
    /// <summary>
    /// Admits a request, finds a bot for it, and returns the upstream's answer. The request is a turn without a conversation: it counts against the tenant's
    /// limit, and has a row in the log. A repeated call gets the same answer while the task runs. After the failure of its node the request is sent again,
    /// which changes nothing at the upstream.
    /// </summary>
    /// <exception cref="ClusterException">The refusal of the tenant, of the bots or of the upstream.</exception>
    [Alias("Run"), AlwaysInterleave, Idempotent, ResponseTimeout("00:02:30")]
    Task<ModelTaskResult> Run(ModelTaskRequest request, CancellationToken cancellationToken = default);

    /// <summary>Whether this activation runs a task. An activation that does not is the first since the node of an earlier one failed.</summary>
    [Alias("IsRunning"), AlwaysInterleave, Idempotent]
    Task<bool> IsRunning();
}

/// <summary>A client's request for a task of a model.</summary>
[GenerateSerializer, Immutable, Alias("model-task-request")]
public sealed record ModelTaskRequest
{
    /// <summary>Created by the gateway; see <see cref="CozeCluster.TurnId"/>.</summary>
    [Id(0)]
    public required string TurnId { get; init; }

    /// <summary>The tenant.</summary>
    [Id(1)]
    public required string TenantId { get; init; }

    /// <summary>The requested model.</summary>
    [Id(2)]
    public required string Model { get; init; }

    /// <summary>The task; not <see cref="ModelTask.Chat"/>.</summary>
    [Id(3)]
    public required ModelTask Task { get; init; }

    /// <summary>See <see cref="UpstreamTask.Body"/>.</summary>
    [Id(4)]
    public required byte[] Body { get; init; }

    /// <summary>The name of the API key that sent the request, for the log; null if it is not known.</summary>
    [Id(5)]
    public string? KeyName { get; init; }

    /// <summary>The client's end user; null: the tenant.</summary>
    [Id(6)]
    public string? User { get; init; }

    /// <summary>See <see cref="TurnRequest.Credential"/>.</summary>
    [Id(7)]
    public RequestCredential? Credential { get; init; }

    /// <summary>The name of the model that the client has sent, and that the answer carries.</summary>
    [Id(8)]
    public required string AskedModel { get; init; }

    /// <summary>
    /// Whether a refusal or another error is <see cref="ModelTaskResult.Error"/>, beside the rates, and not an exception. Default false: gateways of an older
    /// version expect the exception.
    /// </summary>
    [Id(110)]
    public bool ReturnsErrors { get; init; }

    /// <summary>How long a task takes at most, with all attempts: two minutes.</summary>
    public static TimeSpan Timeout { get; } = TimeSpan.FromMinutes(2);
}

/// <summary>The answer to a <see cref="ModelTaskRequest"/>.</summary>
/// <param name="Body">See <see cref="ModelTaskAnswer.Body"/>; empty with an error.</param>
[GenerateSerializer, Immutable, Alias("model-task-result")]
public sealed record ModelTaskResult(byte[] Body)
{
    /// <summary>Why there is no answer; null if there is one. Only with <see cref="ModelTaskRequest.ReturnsErrors"/>.</summary>
    [Id(111)]
    public Error? Error { get; init; }

    /// <summary>What is left of the limits per minute of the tenant and its key; null without such limits.</summary>
    [Id(112)]
    public RateStatus? Rates { get; init; }
}
