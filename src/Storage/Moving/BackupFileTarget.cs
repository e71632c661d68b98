using System.Reflection;
using System.Runtime.CompilerServices;

namespace CozeCluster.Storage;

/// <summary>
/// A new backup file, which only its owner can read. It is written beside its place, under a name that ends with <c>.part</c>, and moved when it is on the
/// disk.
/// </summary>
public sealed class BackupFileTarget : IStoreTarget
{
    private const string PartSuffix = ".part";

    private readonly string _path;
    private readonly string _part;
    private readonly Stream _file;
    private readonly BackupRecordWriter _records;
    private bool _isComplete;

    private BackupFileTarget(string path, string part, Stream file)
    {
        (_path, _part, _file) = (path, part, file);
        _records = new(file);
    }

    /// <summary>Creates the file under its temporary name.</summary>
    /// <param name="path">The place of the file. Its folder must exist.</param>
    /// <param name="origin">Where the rows come from.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.StateConflict"/>: the file exists already. <see cref="ErrorCode.Internal"/>: it cannot be created.
    /// </exception>
    public static BackupFileTarget Create(string path, StoreOrigin origin, TimeProvider time) => Create(path, origin, time, static file => file);

    /// <summary>As the other <c>Create</c>, with a stream around the file, which can fail.</summary>
    internal static BackupFileTarget Create(string path, StoreOrigin origin, TimeProvider time, Func<Stream, Stream> wrap)
    {
        if (Path.Exists(path)) throw new ClusterException(ErrorCode.StateConflict, $"{path} exists already. Name another file.");
        var part = $"{path}.{Guid.NewGuid():n}{PartSuffix}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, BufferSize = 1 << 17 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try
        {
            var file = wrap(new FileStream(part, options));
            var product = typeof(BackupFileTarget).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
            BackupFile.WriteHeader(file, new(BackupHeader.FormatName, BackupHeader.CurrentVersion, time.GetUtcNow(), product, origin));
            return new(path, part, file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (File.Exists(part)) File.Delete(part);
            throw new ClusterException(ErrorCode.Internal, $"The file {path} cannot be written: {e.Message}", inner: e);
        }
    }

    /// <inheritdoc />
    public StoredRow Adapt(StoredRow row) => row;

    /// <inheritdoc />
    public ValueTask WriteAsync(StoredRow row, CancellationToken cancellationToken) => _records.WriteAsync(row, cancellationToken);

    /// <inheritdoc />
    public async IAsyncEnumerable<StoredRow> ReadBackAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await _records.CloseAsync(cancellationToken).ConfigureAwait(false);
        await BackupFile.WriteHashAsync(_file, cancellationToken).ConfigureAwait(false);
        await BackupFile.VerifyHashAsync(_file, cancellationToken).ConfigureAwait(false);
        await foreach (var row in BackupRecordReader.ReadAsync(_file, cancellationToken).ConfigureAwait(false)) yield return row;
    }

    /// <inheritdoc />
    public Task CompleteAsync(CancellationToken cancellationToken)
    {
        if (_file is FileStream file) file.Flush(flushToDisk: true);
        File.Move(_part, _path, overwrite: false);
        _isComplete = true;
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_isComplete)
        {
            await _file.DisposeAsync().ConfigureAwait(false);
            return;
        }
        // Whatever is still buffered is not wanted, and may not be possible to write.
        File.Delete(_part);
        try
        {
            await _records.DisposeAsync().ConfigureAwait(false);
            await _file.DisposeAsync().ConfigureAwait(false);
        }
        catch (IOException)
        {
            // The disk is full. The file does not exist any more.
        }
    }
}
