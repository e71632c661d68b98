using System.Collections.Frozen;
using System.Globalization;
using Orleans.Metadata;

namespace CozeCluster.Engine.Orleans;

/// <summary>Tells Orleans of each kind of grain what its definition says: after what time idle ones are put away.</summary>
internal sealed class DefinedProperties(OrleansEngineOptions options) : IGrainPropertiesProvider
{
    private readonly FrozenDictionary<string, GrainDefinition> _definitions = options.Definitions.ToFrozenDictionary(d => d.Name);

    public void Populate(Type grainClass, GrainType grainType, Dictionary<string, string> properties)
    {
        if (_definitions.TryGetValue(grainType.ToString()!, out var definition))
            properties[WellKnownGrainTypeProperties.IdleDeactivationPeriod] = definition.IdleAfter.ToString("c", CultureInfo.InvariantCulture);
    }
}
