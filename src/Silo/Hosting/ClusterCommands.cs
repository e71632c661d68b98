using CozeCluster.Engine.Embedded;
using CozeCluster.Silo.Secrets;

namespace CozeCluster.Silo.Hosting;

/// <summary>Commands for the database of a cluster.</summary>
internal static class ClusterCommands
{
    /// <summary>The command <c>schema apply</c>.</summary>
    /// <exception cref="StartException">No database is named, or this build has no cluster engine.</exception>
    /// <exception cref="ClusterException">The database cannot be reached or refuses.</exception>
    public static async Task<int> ApplySchema(SettingSource source, TextWriter output)
    {
        var postgres = ClusterSettings.ReadPostgres(source);
        if (source.Problems.Count > 0) throw new StartException([.. source.Problems]);
        await ClusterEngine.Demand().ApplySchema(postgres, CancellationToken.None);
        await output.WriteLineAsync("The schema is up to date.");
        return ExitCodes.Success;
    }

    /// <summary>The command <c>store move</c>: everything a node has stored, uploads and images included.</summary>
    /// <exception cref="StartException">No database is named, the cluster's name is no name, or this build has no cluster engine.</exception>
    /// <exception cref="ClusterException">There is nothing to move, a node runs on it, or the cluster's store is not empty or cannot be used.</exception>
    public static async Task<int> MoveStore(SettingSource source, string folder, TextWriter output)
    {
        var postgres = ClusterSettings.ReadPostgres(source);
        var cluster = ClusterSettings.ReadClusterId(source);
        if (source.Problems.Count > 0) throw new StartException([.. source.Problems]);
        var data = Path.GetFullPath(source[Settings.Data].Text!, folder);
        var engine = ClusterEngine.Demand();
        using var store = EmbeddedStore.Open(data);
        DemandKeyOf(data, source[Settings.SecretsKey].Text);
        var (states, reminders, blobs) = await engine.FillStore(postgres, cluster, store.ReadStates(), store.ReadReminders(), store.ReadBlobs(), CancellationToken.None);
        await output.WriteLineAsync($"Moved {states} states, {reminders} reminders and {blobs} files into the cluster {cluster}. The data folder is as it was; do not start a node on it again.");
        return ExitCodes.Success;
    }

    // With another key the cluster could not open what the node has sealed.
    private static void DemandKeyOf(string data, string? given)
    {
        var file = Path.Combine(data, SecretsKey.FileName);
        if (given is not null && File.Exists(file) && !SecretsKey.Load(null, data).AsSpan().SequenceEqual(SecretsKey.Load(given, data)))
            throw new StartException($"{Settings.SecretsKey.Variable} is not the key that the node sealed its secrets with. Set it to what stands in '{file}', here and on all nodes of the cluster.");
    }
}
