namespace CozeCluster;

/// <summary>What a bot does with a request. Names are stored: never rename them.</summary>
[GenerateSerializer, Alias("model-task")]
public enum ModelTask
{
    /// <summary>It answers prompts.</summary>
    Chat,

    /// <summary>It turns texts into vectors.</summary>
    Embeddings,

    /// <summary>It says whether contents are harmful.</summary>
    Moderations,
}

/// <summary>An upstream whose models have tasks besides chat. One instance serves a process. Thread-safe.</summary>
public interface IModelTaskUpstream
{
    /// <summary>See <see cref="IUpstream.Name"/>.</summary>
    string Name { get; }

    /// <summary>Sends a request and waits for the whole answer.</summary>
    /// <exception cref="ClusterException">The upstream refused the request, could not be reached, or did not follow its protocol.</exception>
    Task<ModelTaskAnswer> Run(UpstreamTask task, CancellationToken cancellationToken);
}

/// <summary>The input of an upstream for one task.</summary>
/// <param name="TurnId">The id of the request, for logs.</param>
/// <param name="Task">The task.</param>
/// <param name="Bot">The bot.</param>
/// <param name="Account">The account. Only the upstream opens its secrets.</param>
/// <param name="User">The end user.</param>
/// <param name="Model">The model's name, as the client knows it.</param>
/// <param name="Body">A JSON object: what the client asks for, without model and user.</param>
public sealed record UpstreamTask(
    string TurnId, ModelTask Task, BotDefinition Bot, AccountDefinition Account, string User, string Model, ReadOnlyMemory<byte> Body);

/// <summary>The answer of an upstream.</summary>
/// <param name="Body">The upstream's JSON object with the client's name of the model.</param>
/// <param name="Usage">The numbers of tokens; null if the upstream did not count them.</param>
public sealed record ModelTaskAnswer(byte[] Body, Usage? Usage);
