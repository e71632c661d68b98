namespace CozeCluster.Silo.Hosting;

/// <summary>The engine that runs grains on a cluster of nodes. Only builds with <c>-p:Cluster=true</c> have it.</summary>
internal abstract class ClusterEngine
{
    /// <summary>The engine of this build.</summary>
    /// <exception cref="StartException">It has none.</exception>
    public static ClusterEngine Demand() =>
#if CLUSTER
        new Cluster.OrleansCluster();
#else
        throw new StartException("This build has no cluster engine. Build it with -p:Cluster=true (dotnet run --project src/Silo -p:Cluster=true -- …); that needs the Orleans packages.");
#endif

    /// <summary>What is wrong with a connection string, without any part of it that may be a secret; null: nothing, or this build cannot tell.</summary>
    public static string? WrongWith(string postgres) =>
#if CLUSTER
        Engine.Orleans.ConnectionStrings.WrongWith(postgres);
#else
        null;
#endif

    /// <summary>Makes the node a member of the cluster, in its role.</summary>
    public abstract void AddTo(WebApplicationBuilder builder, ClusterSettings settings, IReadOnlyList<GrainDefinition> definitions);

    /// <summary>Maps what operators see of the cluster.</summary>
    public abstract void MapTo(WebApplication app);

    /// <summary>Creates or updates the tables of the cluster.</summary>
    /// <exception cref="ClusterException">The database cannot be reached or refuses.</exception>
    public abstract Task ApplySchema(string postgres, CancellationToken cancellationToken);

    /// <summary>Takes over what a single node has stored.</summary>
    /// <returns>How many states, reminders and blobs that were.</returns>
    /// <exception cref="ClusterException">The cluster's store is not empty, or cannot be used.</exception>
    public abstract Task<(long States, long Reminders, long Blobs)> FillStore(
        string postgres, string clusterId, IEnumerable<MovedState> states, IEnumerable<MovedReminder> reminders, IEnumerable<MovedBlob> blobs, CancellationToken cancellationToken);
}
