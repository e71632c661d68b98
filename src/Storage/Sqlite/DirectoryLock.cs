namespace CozeCluster.Storage;

/// <summary>
/// Prevents a second process from using a data directory. The operating system releases the lock when the process ends, for any reason. SQLite's own exclusive
/// mode would exclude the readers of this process too.
/// </summary>
internal sealed class DirectoryLock : IDisposable
{
    public const string FileName = "storage.lock";

    // The numbers of Linux and macOS for a full disk and a read-only file system. Windows has other numbers, and its messages are exact.
    private const int DiskFull = 28;
    private const int ReadOnly = 30;

    private readonly FileStream _file;

    private DirectoryLock(FileStream file) => _file = file;

    /// <summary>Creates the directory if it is missing, and locks it.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: another process uses it, or it cannot be written to.</exception>
    public static DirectoryLock Acquire(string directory)
    {
        try
        {
            DataFolder.CreateFolder(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ClusterException(ErrorCode.Internal, $"The data directory {directory} cannot be created: {e.Message}", inner: e);
        }
        try
        {
            return new(new FileStream(Path.Combine(directory, FileName), DataFolder.OpenOptions(FileMode.OpenOrCreate, FileShare.None)));
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException { HResult: DiskFull or ReadOnly })
        {
            throw new ClusterException(ErrorCode.Internal, $"The data directory {directory} cannot be written to: {e.Message}", inner: e);
        }
        catch (IOException e)
        {
            throw new ClusterException(
                ErrorCode.Internal,
                $"The data directory {directory} is in use by another process. Stop that process, or configure another directory.",
                inner: e);
        }
    }

    public void Dispose() => _file.Dispose();
}
