using Microsoft.Extensions.DependencyInjection;
using Orleans.Metadata;
using Orleans.Placement;

namespace CozeCluster.Grains.Tests.Runtime;

public sealed class ImmovableGrainsTests(RuntimeSilo fixture) : RuntimeTest<RuntimeSilo>(fixture)
{
    [Fact]
    public void All_grains_of_this_project_are_immovable()
    {
        var grains = Silo.Services.GetRequiredService<IClusterManifestProvider>().LocalGrainManifest.Grains;

        foreach (var name in (string[])["conversation", "bot", "account", "turn-recovery", "catalog", "health"])
        {
            Assert.Equal($"{(byte)ImmovableKind.Any}", grains[GrainType.Create(name)].Properties[WellKnownGrainTypeProperties.Immovable]);
        }
    }
}
