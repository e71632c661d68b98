using CozeCluster.Silo.Fleets;
using CozeCluster.Silo.Secrets;
using CozeCluster.Storage;

namespace CozeCluster.Silo.Hosting;

/// <summary>The commands that do not run a node.</summary>
internal static class NodeCommands
{
    /// <summary>The command <c>check</c>: lists the problems of the fleet file.</summary>
    /// <exception cref="StartException">There is no fleet file, or it is not valid.</exception>
    public static int CheckFleet(NodeSettings settings, TextWriter output)
    {
        if (settings.Fleet is null)
            throw new StartException($"There is no fleet file to check. Name one with {Settings.Fleet.Option}, without {Settings.Sandbox.Option}.");
        var fleet = new FleetFileSource(settings.Fleet, EnvironmentValues.Process).ReadValid().Result.File!;
        var listeners = fleet.Listeners.Count > 0 ? $"{fleet.Listeners.Count} listeners, " : "";
        output.WriteLine(
            $"{settings.Fleet} is valid: {fleet.Tenants.Count} tenants with {fleet.Tenants.Sum(tenant => tenant.Keys.Count)} API keys, "
            + $"{listeners}{fleet.Accounts.Count} accounts, {fleet.Bots.Count} bots, {fleet.Models.Count} models.");
        foreach (var warning in fleet.Warnings) output.WriteLine($"Warning: {warning}");
        return ExitCodes.Success;
    }

    /// <summary>The command <c>schema apply</c>: creates or updates the tables of a cluster.</summary>
    /// <exception cref="StartException">No database is set.</exception>
    /// <exception cref="ClusterException">The database cannot be reached, or rejects the schema.</exception>
    public static async Task<int> ApplySchema(SettingSource source, TextWriter output)
    {
        var postgres = ClusterSettings.ReadPostgres(source);
        if (source.Problems.Count > 0) throw new StartException([.. source.Problems]);
        await PostgresSchema.ApplyAsync(postgres);
        await output.WriteLineAsync("The schema is up to date.");
        return ExitCodes.Success;
    }

    /// <summary>The command <c>store move</c>: copies everything that a single node has stored, uploads and images included, into a cluster.</summary>
    /// <exception cref="StartException">No database is set, or the name of the cluster is not valid.</exception>
    /// <exception cref="ClusterException">There is nothing to copy, a node uses the data folder, or the cluster has data or cannot be used.</exception>
    public static async Task<int> MoveStore(SettingSource source, string folder, TextWriter output)
    {
        var postgres = ClusterSettings.ReadPostgres(source);
        var cluster = ClusterSettings.ReadClusterId(source);
        if (source.Problems.Count > 0) throw new StartException([.. source.Problems]);
        var data = Path.GetFullPath(source[Settings.Data].Text!, folder);
        using var store = SqliteExport.Open(data);
        RequireSameKey(data, source[Settings.SecretsKey].Text);
        var moved = await PostgresImport.RunAsync(postgres, cluster, store.ReadStates(), store.ReadReminders(), store.ReadBlobs());
        await output.WriteLineAsync(
            $"Copied {moved.States} states, {moved.Reminders} reminders and {moved.Blobs} files into the cluster {cluster}. "
            + "The data folder is unchanged. Do not start a node on it again.");
        return ExitCodes.Success;
    }

    /// <summary>The command <c>store accept</c>: lets the next start use the data folder as it is.</summary>
    /// <exception cref="ClusterException">The folder has no data of a node, or a node uses it.</exception>
    public static async Task<int> AcceptStore(SettingSource source, string folder, TextWriter output)
    {
        if (source.Problems.Count > 0) throw new StartException([.. source.Problems]);
        var data = Path.GetFullPath(source[Settings.Data].Text!, folder);
        DataFolder.Accept(data);
        await output.WriteLineAsync($"The next start uses the data folder '{data}' as it is.");
        return ExitCodes.Success;
    }

    // With another key, the cluster could not decrypt the secrets of the node.
    private static void RequireSameKey(string data, string? clusterKey)
    {
        var file = Path.Combine(data, SecretsKey.FileName);
        if (clusterKey is null || !File.Exists(file) || SecretsKey.Load(null, data).AsSpan().SequenceEqual(SecretsKey.Load(clusterKey, data))) return;
        throw new StartException(
            $"{Settings.SecretsKey.Variable} is not the key that the node encrypted its secrets with. "
            + $"Set it to the content of '{file}', here and on all nodes of the cluster.");
    }
}
