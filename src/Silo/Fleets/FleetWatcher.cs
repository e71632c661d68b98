using System.Runtime.InteropServices;
using System.Threading.Channels;
using CozeCluster.Silo.Hosting;

namespace CozeCluster.Silo.Fleets;

/// <summary>
/// Keeps the catalog in step with the fleet file: imports it at start, then again whenever it changes. A file that is wrong changes nothing; its problems are logged.
/// The file is watched, and looked at in intervals too: not every editor, mount or network tells of a change. SIGHUP has it read at once.
/// </summary>
internal sealed partial class FleetWatcher(FleetFileSource source, FleetImporter importer, NodeSettings settings, TimeProvider time, ILogger<FleetWatcher> logger)
    : BackgroundService
{
    // Editors write in several steps.
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(200);

    private const int StartAttempts = 10;
    private static readonly TimeSpan StartPause = TimeSpan.FromSeconds(1);

    private readonly Channel<bool> _hints = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private FleetLook? _seen;

    /// <summary>Imports the file before the node answers anybody.</summary>
    /// <exception cref="StartException">The file is wrong.</exception>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        var look = source.LookStrictly();
        await ImportPatiently(look.Result.File!, cancellationToken);
        _seen = look;
        await base.StartAsync(cancellationToken);
    }

    /// <summary>Looks at the file and takes over what is new.</summary>
    /// <param name="forced">Says what became of it even if nothing changed.</param>
    internal async Task Refresh(bool forced)
    {
        try
        {
            if (!forced && _seen is not null && source.IsStill(_seen)) return;
            var look = source.Look();
            if (look.Result.File is { } file) await importer.Import(file);
            else Refused(look.Result.Problems.Count, string.Join(Environment.NewLine, look.Result.Problems.Select(source.Describe)));
            _seen = look;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Whatever it is, the node serves on with the fleet in force. Not marked as seen: the next look tries again.
            ImportFailed(e);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var watcher = Watch();
        using var hangup = OnHangup(() => _hints.Writer.TryWrite(true));
        using var poll = time.CreateTimer(_ => _hints.Writer.TryWrite(false), null, settings.FleetPoll, settings.FleetPoll);
        await foreach (var forced in _hints.Reader.ReadAllAsync(stoppingToken)) await Refresh(forced);
    }

    // The nodes of a cluster that start at once may get into each other's way before they have agreed on who is a member.
    private async Task ImportPatiently(FleetFile file, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await importer.Import(file);
                return;
            }
            catch (ClusterException e) when (e.Code is ErrorCode.CallRejected or ErrorCode.StateConflict && attempt < StartAttempts)
            {
                await Task.Delay(StartPause, time, cancellationToken);
            }
        }
    }

    private static PosixSignalRegistration? OnHangup(Action then) => OperatingSystem.IsWindows()
        ? null
        : PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
        {
            signal.Cancel = true;
            then();
        });

    private FileSystemWatcher? Watch()
    {
        try
        {
            // The folder, not the file: editors and config maps replace files.
            var watcher = new FileSystemWatcher(Path.GetDirectoryName(source.Path)!);
            watcher.Changed += Hint;
            watcher.Created += Hint;
            watcher.Renamed += Hint;
            watcher.Deleted += Hint;
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception e) when (e is IOException or ArgumentException or PlatformNotSupportedException)
        {
            NotWatched(e);
            return null;
        }
    }

    private async void Hint(object sender, FileSystemEventArgs change)
    {
        await Task.Delay(Settle, time, CancellationToken.None);
        _hints.Writer.TryWrite(false);
    }

    [LoggerMessage(2, LogLevel.Error, "The changed fleet file has {Count} mistakes; the fleet in force stays.\n{Problems}")]
    private partial void Refused(int count, string problems);

    [LoggerMessage(3, LogLevel.Warning, "The changed fleet could not be taken over; trying again")]
    private partial void ImportFailed(Exception exception);

    [LoggerMessage(4, LogLevel.Information, "The fleet file's folder cannot be watched; the file is looked at in intervals")]
    private partial void NotWatched(Exception exception);
}
