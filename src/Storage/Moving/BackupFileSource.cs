using System.Runtime.CompilerServices;

namespace CozeCluster.Storage;

/// <summary>A backup file.</summary>
public sealed class BackupFileSource : IStoreSource
{
    private readonly FileStream _file;

    private BackupFileSource(FileStream file, BackupHeader header) => (_file, Origin, CreatedAt) = (file, header.Source, header.CreatedAt);

    /// <inheritdoc />
    public StoreOrigin Origin { get; }

    /// <inheritdoc />
    public IReadOnlyList<string> DamagedBlobs => [];

    /// <summary>When the backup began.</summary>
    public DateTimeOffset CreatedAt { get; }

    /// <summary>Opens a file, and verifies that all of it is as it was written.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.NotFound"/>: there is no such file. <see cref="ErrorCode.InvalidRequest"/>: it is not a backup, is incomplete or was changed, or
    /// this build does not understand it. <see cref="ErrorCode.Internal"/>: it cannot be read.
    /// </exception>
    public static async Task<BackupFileSource> OpenAsync(string path, CancellationToken cancellationToken = default)
    {
        var file = Open(path);
        try
        {
            var header = BackupFile.ReadHeader(file);
            await BackupFile.VerifyHashAsync(file, cancellationToken).ConfigureAwait(false);
            VerifySchema(header.Source);
            return new(file, header);
        }
        catch (Exception e)
        {
            await file.DisposeAsync().ConfigureAwait(false);
            if (e is not IOException) throw;
            throw CreateReadError(path, e);
        }
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<StoredRow> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var row in BackupRecordReader.ReadAsync(_file, cancellationToken).ConfigureAwait(false)) yield return row;
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _file.DisposeAsync();

    private static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ClusterException(ErrorCode.NotFound, $"There is no file {path}.", inner: e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CreateReadError(path, e);
        }
    }

    private static ClusterException CreateReadError(string path, Exception error) =>
        new(ErrorCode.Internal, $"The file {path} cannot be read: {error.Message}", inner: error);

    private static void VerifySchema(StoreOrigin origin)
    {
        long? supported = origin.Kind switch
        {
            StoreOrigin.Sqlite => SqliteSchema.Version,
            StoreOrigin.PostgreSql => PostgresSchema.Version,
            _ => null,
        };
        if (origin.Schema == supported) return;
        throw BackupFile.CreateError(
            $"It was made of a {origin.Kind} storage with schema version {origin.Schema}, but this build supports {supported}. Use the build that wrote it.");
    }
}
