namespace CozeCluster;

/// <summary>The bots behind one model of one tenant. Key: <see cref="GrainKeys.ModelPool"/>.</summary>
[Alias("model-pool")]
public interface IModelPoolGrain : IGrainWithStringKey
{
    /// <summary>Picks a bot: the preferred one if it can take the turn, else the next in turn that can.</summary>
    /// <param name="tenantId">The tenant of the key.</param>
    /// <param name="model">The model of the key.</param>
    /// <param name="request">What to consider.</param>
    /// <remarks>Asking again after an answer was lost passes one bot over, which harms nobody.</remarks>
    /// <exception cref="ClusterException"><see cref="ErrorCode.ModelNotFound"/>.</exception>
    [Alias("Pick"), Idempotent]
    Task<PickResult> Pick(string tenantId, string model, PickRequest request);
}
