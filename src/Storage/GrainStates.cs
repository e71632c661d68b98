using Orleans.Serialization.Serializers;

namespace CozeCluster.Storage;

/// <summary>Grain states of which nothing is stored.</summary>
internal static class GrainStates
{
    /// <summary>Replaces the state by a new one that is not stored.</summary>
    public static void Reset<T>(this IGrainState<T> grainState, IActivatorProvider activators)
    {
        grainState.State = activators.GetActivator<T>().Create();
        grainState.ETag = null!;
        grainState.RecordExists = false;
    }
}
