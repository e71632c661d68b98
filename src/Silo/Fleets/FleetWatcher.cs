using System.Runtime.InteropServices;
using System.Threading.Channels;
using CozeCluster.Silo.Hosting;

namespace CozeCluster.Silo.Fleets;

/// <summary>
/// Applies the fleet file at start and whenever it changes. An invalid file is not applied; its problems are logged.
/// The folder of the file is watched, and the file is also checked at intervals, because not every editor, mount or network file system reports changes.
/// SIGHUP makes it read the file at once.
/// </summary>
internal sealed partial class FleetWatcher(
    IFleetSource source, FleetImporter importer, NodeSettings settings, TimeProvider time, ILogger<FleetWatcher> logger) : BackgroundService
{
    // Editors write a file in several steps.
    private static readonly TimeSpan WriteDelay = TimeSpan.FromMilliseconds(200);

    private const int MaxStartAttempts = 10;
    private static readonly TimeSpan StartRetryDelay = TimeSpan.FromSeconds(1);

    // Requests to refresh. The value is whether to read the file even if it has not changed.
    private readonly Channel<bool> _refreshRequests = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private FleetSnapshot? _lastSnapshot;

    /// <summary>Applies the file before the node serves requests.</summary>
    /// <exception cref="StartException">The file is not valid, or the catalog refuses it.</exception>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        var snapshot = source.ReadValid();
        await ImportWithRetries(snapshot.Result.File!, cancellationToken);
        _lastSnapshot = snapshot;
        await base.StartAsync(cancellationToken);
    }

    /// <summary>Reads the file, and applies it if it is valid.</summary>
    /// <param name="forced">Whether to read a file that has not changed.</param>
    internal async Task Refresh(bool forced)
    {
        FleetSnapshot? snapshot = null;
        try
        {
            if (!forced && _lastSnapshot is not null && source.IsUnchangedSince(_lastSnapshot)) return;
            snapshot = source.Read();
            if (snapshot.Result.File is { } file) await importer.Import(file);
            else LogInvalid(snapshot.Result.Problems.Count, string.Join(Environment.NewLine, snapshot.Result.Problems.Select(source.Describe)));
            _lastSnapshot = snapshot;
        }
        catch (ClusterException e) when (e.Code == ErrorCode.InvalidRequest)
        {
            // The same file would be refused again.
            LogRefused(e.Message);
            _lastSnapshot = snapshot;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // The node continues with the previous fleet. The snapshot is not stored, so the next refresh retries.
            LogImportFailed(e);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var watcher = WatchFolder();
        using var hangup = OnHangup(() => _refreshRequests.Writer.TryWrite(true));
        using var poll = time.CreateTimer(_ => _refreshRequests.Writer.TryWrite(false), null, settings.FleetPoll, settings.FleetPoll);
        await foreach (var forced in _refreshRequests.Reader.ReadAllAsync(stoppingToken)) await Refresh(forced);
    }

    // Nodes of a cluster that start at the same time may disturb each other until they agree on the members of the cluster.
    private async Task ImportWithRetries(FleetFile file, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await importer.Import(file, isStart: true);
                return;
            }
            catch (ClusterException e) when (e.Code == ErrorCode.InvalidRequest)
            {
                throw new StartException($"{source.Name}: {e.Message}");
            }
            catch (ClusterException e) when (e.Code is ErrorCode.CallRejected or ErrorCode.StateConflict && attempt < MaxStartAttempts)
            {
                LogStartRetried(attempt, MaxStartAttempts, e.Message);
                await Task.Delay(StartRetryDelay, time, cancellationToken);
            }
        }
    }

    private static PosixSignalRegistration? OnHangup(Action action) => OperatingSystem.IsWindows()
        ? null
        : PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
        {
            signal.Cancel = true;
            action();
        });

    private FileSystemWatcher? WatchFolder()
    {
        if (source.Folder is not { } folder) return null;
        try
        {
            // The folder, not the file: editors and Kubernetes config maps replace the file.
            var watcher = new FileSystemWatcher(folder);
            watcher.Changed += RequestRefresh;
            watcher.Created += RequestRefresh;
            watcher.Renamed += RequestRefresh;
            watcher.Deleted += RequestRefresh;
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception e) when (e is IOException or ArgumentException or PlatformNotSupportedException)
        {
            LogNotWatched(e);
            return null;
        }
    }

    private async void RequestRefresh(object sender, FileSystemEventArgs change)
    {
        await Task.Delay(WriteDelay, time, CancellationToken.None);
        _refreshRequests.Writer.TryWrite(false);
    }

    [LoggerMessage(
        2, LogLevel.Error, "The changed fleet file has {Count} problems and was not applied. The node continues with the previous fleet.\n{Problems}")]
    private partial void LogInvalid(int count, string problems);

    [LoggerMessage(3, LogLevel.Warning, "The changed fleet file could not be applied. The node continues with the previous fleet and retries")]
    private partial void LogImportFailed(Exception exception);

    [LoggerMessage(6, LogLevel.Information, "The fleet could not be applied (attempt {Attempt} of {MaxAttempts}): {Reason}")]
    private partial void LogStartRetried(int attempt, int maxAttempts, string reason);

    [LoggerMessage(5, LogLevel.Error, "The changed fleet file was refused. The node continues with the previous fleet. {Reason}")]
    private partial void LogRefused(string reason);

    [LoggerMessage(4, LogLevel.Information, "The folder of the fleet file cannot be watched. The file is only checked at intervals")]
    private partial void LogNotWatched(Exception exception);
}
