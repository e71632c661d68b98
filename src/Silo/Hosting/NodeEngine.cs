using CozeCluster.Engine.Embedded;

namespace CozeCluster.Silo.Hosting;

/// <summary>What runs the grains.</summary>
internal static class NodeEngine
{
    /// <summary>Adds the engine that the settings name.</summary>
    /// <exception cref="StartException">This build has no such engine.</exception>
    public static void AddEngine(this WebApplicationBuilder builder, NodeSettings settings, IReadOnlyList<GrainDefinition> definitions)
    {
        if (settings.Cluster is { } cluster)
        {
            ClusterEngine.Demand().AddTo(builder, cluster, definitions);
            return;
        }
        builder.Services.AddEmbeddedEngine(definitions, engine =>
        {
            engine.DataDirectory = settings.Data;
            engine.Durability = settings.Durability == SaveSurvives.Machine ? Durability.Machine : Durability.Process;
        });
    }
}
