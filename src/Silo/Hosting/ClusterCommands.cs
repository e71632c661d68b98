using CozeCluster.Silo.Secrets;
using CozeCluster.Storage;

namespace CozeCluster.Silo.Hosting;

/// <summary>Commands for the database of a cluster.</summary>
internal static class ClusterCommands
{
    /// <summary>The command <c>schema apply</c>.</summary>
    /// <exception cref="StartException">No database is named.</exception>
    /// <exception cref="ClusterException">The database cannot be reached or refuses.</exception>
    public static async Task<int> ApplySchema(SettingSource source, TextWriter output)
    {
        var postgres = ClusterSettings.ReadPostgres(source);
        if (source.Problems.Count > 0) throw new StartException([.. source.Problems]);
        await PostgresSchema.ApplyAsync(postgres);
        await output.WriteLineAsync("The schema is up to date.");
        return ExitCodes.Success;
    }

    /// <summary>The command <c>store move</c>: copies everything a node has stored, uploads and images included.</summary>
    /// <exception cref="StartException">No database is named, or the cluster's name is not valid.</exception>
    /// <exception cref="ClusterException">There is nothing to move, a node runs on it, or the cluster's store is not empty or cannot be used.</exception>
    public static async Task<int> MoveStore(SettingSource source, string folder, TextWriter output)
    {
        var postgres = ClusterSettings.ReadPostgres(source);
        var cluster = ClusterSettings.ReadClusterId(source);
        if (source.Problems.Count > 0) throw new StartException([.. source.Problems]);
        var data = Path.GetFullPath(source[Settings.Data].Text!, folder);
        using var store = SqliteExport.Open(data);
        DemandKeyOf(data, source[Settings.SecretsKey].Text);
        var moved = await PostgresImport.RunAsync(postgres, cluster, store.ReadStates(), store.ReadReminders(), store.ReadBlobs());
        await output.WriteLineAsync(
            $"Moved {moved.States} states, {moved.Reminders} reminders and {moved.Blobs} files into the cluster {cluster}. "
            + "The data folder is unchanged; do not start a node on it again.");
        return ExitCodes.Success;
    }

    // With another key the cluster could not decrypt the secrets of the node.
    private static void DemandKeyOf(string data, string? given)
    {
        var file = Path.Combine(data, SecretsKey.FileName);
        if (given is not null && File.Exists(file) && !SecretsKey.Load(null, data).AsSpan().SequenceEqual(SecretsKey.Load(given, data)))
        {
            throw new StartException(
                $"{Settings.SecretsKey.Variable} is not the key that the node encrypted its secrets with. "
                + $"Set it to the content of '{file}', here and on all nodes of the cluster.");
        }
    }
}
