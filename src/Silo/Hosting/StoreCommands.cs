using System.Runtime.InteropServices;
using CozeCluster.Silo.Secrets;
using CozeCluster.Storage;

namespace CozeCluster.Silo.Hosting;

/// <summary>The commands that copy stored data: <c>store move</c>, <c>store backup</c> and <c>store restore</c>.</summary>
internal static class StoreCommands
{
    /// <summary>The command <c>store move</c>: copies everything that a single node has stored, uploads and images included, into a cluster.</summary>
    /// <exception cref="StartException">No database is set, or the name of the cluster is not valid.</exception>
    /// <exception cref="ClusterException">There is nothing to copy, a node uses the data folder, or the cluster has data or cannot be used.</exception>
    public static Task<int> Move(SettingSource settings, string folder, TextWriter output) => Run(async cancellationToken =>
    {
        var (postgres, cluster) = ReadCluster(settings);
        var data = ReadFolder(settings, folder);
        await using var source = SqliteSource.OpenExclusive(data, TimeProvider.System);
        RequireSameKey(data, settings[Settings.SecretsKey].Text);
        await using var target = await PostgresTarget.OpenAsync(postgres, cluster, cancellationToken);
        var counts = await StoreCopy.RunAsync(source, target, cancellationToken);
        await output.WriteLineAsync(
            $"Copied {Describe(counts)} into the cluster {cluster}. The data folder is unchanged. Do not start a node on it again.");
        await ReportDamaged(source, output);
    });

    /// <summary>The command <c>store backup</c>: copies everything that a single node or a cluster has stored into a file. Nodes may run meanwhile.</summary>
    /// <exception cref="StartException">A setting is not valid.</exception>
    /// <exception cref="ClusterException">There is nothing to copy, the file exists or cannot be written, or the storage cannot be used.</exception>
    public static Task<int> Backup(SettingSource settings, string folder, string file, TextWriter output) => Run(async cancellationToken =>
    {
        var path = Path.GetFullPath(file, folder);
        await using var source = await OpenSource(settings, folder, cancellationToken);
        await using var target = BackupFileTarget.Create(path, source.Origin, TimeProvider.System);
        var counts = await StoreCopy.RunAsync(source, target, cancellationToken);
        await output.WriteLineAsync(
            $"Wrote {Describe(counts)} to {path}. The key that encrypts secrets is not in it: keep a copy of the key in another place.");
        await ReportDamaged(source, output);
    });

    /// <summary>The command <c>store restore</c>: copies everything in a backup file into a data folder or a cluster that has stored nothing.</summary>
    /// <exception cref="StartException">A setting is not valid.</exception>
    /// <exception cref="ClusterException">The file is no backup or is damaged, or the storage has data, is in use or cannot be used.</exception>
    public static Task<int> Restore(SettingSource settings, string folder, string file, TextWriter output) => Run(async cancellationToken =>
    {
        // Whatever is wrong with the settings is reported before a large file is read.
        var isCluster = IsCluster(settings);
        var (postgres, cluster) = isCluster ? ReadCluster(settings) : default;
        await using var backup = await BackupFileSource.OpenAsync(Path.GetFullPath(file, folder), cancellationToken);
        var data = ReadFolder(settings, folder);
        await using IStoreTarget target = isCluster ? await PostgresTarget.OpenAsync(postgres, cluster, cancellationToken) : SqliteTarget.Open(data);
        var counts = await StoreCopy.RunAsync(new WithoutWaitingPrompts(backup), target, cancellationToken);
        await output.WriteLineAsync(
            $"Restored {Describe(counts)} of {backup.CreatedAt:yyyy-MM-dd HH:mm:ss} UTC into {(isCluster ? $"the cluster {cluster}" : data)}. "
            + "Start a node on it only if the node that was backed up does not run any more.");
    });

    private static async Task<IStoreSource> OpenSource(SettingSource settings, string folder, CancellationToken cancellationToken)
    {
        if (!IsCluster(settings)) return SqliteSource.OpenOnline(ReadFolder(settings, folder), TimeProvider.System);
        var (postgres, cluster) = ReadCluster(settings);
        return await PostgresSource.OpenAsync(postgres, cluster, TimeProvider.System, cancellationToken);
    }

    // A folder on the command line is meant, also where the environment names a database.
    internal static bool IsCluster(SettingSource settings)
    {
        var (isFolder, isDatabase) = (settings.IsOnCommandLine(Settings.Data), settings.IsOnCommandLine(Settings.Postgres));
        if (isFolder && isDatabase)
            throw new StartException($"Use {Settings.Data.Option} for a single node or {Settings.Postgres.Option} for a cluster, not both.");
        if (settings.Problems.Count > 0) throw new StartException([.. settings.Problems]);
        return isDatabase || (!isFolder && settings[Settings.Postgres].IsSet);
    }

    internal static (string Postgres, string Cluster) ReadCluster(SettingSource settings)
    {
        var (postgres, cluster) = (ClusterSettings.ReadPostgres(settings), ClusterSettings.ReadClusterId(settings));
        return settings.Problems.Count == 0 ? (postgres, cluster) : throw new StartException([.. settings.Problems]);
    }

    internal static string ReadFolder(SettingSource settings, string folder) => Path.GetFullPath(settings[Settings.Data].Text!, folder);

    private static string Describe(StoreCounts counts) =>
        $"{counts[RowKind.Conversation]} conversations, {counts[RowKind.Turn]} turns, {counts[RowKind.State]} states, "
        + $"{counts[RowKind.Reminder]} reminders and {counts[RowKind.Blob]} files";

    private static async Task ReportDamaged(IStoreSource source, TextWriter output)
    {
        if (source.DamagedBlobs.Count == 0) return;
        await output.WriteLineAsync($"Left out, because their content is damaged: {source.DamagedBlobs.Count} files, such as {source.DamagedBlobs[0]}.");
    }

    // A signal cancels the copy, which then removes what it has written so far.
    private static async Task<int> Run(Func<CancellationToken, Task> copy)
    {
        using var stop = new CancellationTokenSource();
        void OnSignal(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        try
        {
            await copy(stop.Token);
            return ExitCodes.Success;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCodes.Interrupted;
        }
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
