using Orleans.Metadata;
using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>
/// Marks all grains of this project as immovable. Otherwise a silo that stops would migrate activations with waiting calls to other silos, state included.
/// Orleans cannot serialize these states, and the running work of an activation cannot migrate. Instead, the next call activates the grain from its stored
/// state.
/// </summary>
internal sealed class ImmovableGrains : IGrainPropertiesProvider
{
    /// <inheritdoc />
    public void Populate(Type grainClass, GrainType grainType, Dictionary<string, string> properties)
    {
        if (CallPolicy.IsOwnType(grainClass)) properties[WellKnownGrainTypeProperties.Immovable] = $"{(byte)ImmovableKind.Any}";
    }
}
