using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace CozeCluster;

/// <summary>References to grains.</summary>
public static class GrainReferences
{
    private static readonly ConditionalWeakTable<IGrainFactory, ConcurrentDictionary<Type, (GrainType Grain, GrainInterfaceType Interface)>> Known = [];

    /// <summary>
    /// The same as <see cref="IGrainFactory.GetGrain{TGrainInterface}(string, string)"/>, for the hot path. Orleans works out the names of a grain and its interface for each
    /// reference, which takes 2 µs and 1 KB; a turn needs a dozen references.
    /// </summary>
    public static T Grain<T>(this IGrainFactory grains, string key) where T : IGrainWithStringKey
    {
        if (Known.TryGetValue(grains, out var names) && names.TryGetValue(typeof(T), out var name)) return (T)grains.GetGrain(GrainId.Create(name.Grain, key), name.Interface);
        var grain = grains.GetGrain<T>(key);
        if (grain is GrainReference reference) Known.GetOrCreateValue(grains)[typeof(T)] = (reference.GrainId.Type, reference.InterfaceType);
        return grain;
    }
}
