namespace CozeCluster.Storage;

/// <summary>
/// Keeps a second process out of a data directory. The operating system releases the lock with the process, however it ends. SQLite's own exclusive mode
/// would shut out the readers of this process too.
/// </summary>
internal sealed class DirectoryLock : IDisposable
{
    private readonly FileStream _file;

    private DirectoryLock(FileStream file) => _file = file;

    public static DirectoryLock Take(string directory)
    {
        try
        {
            Directory.CreateDirectory(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ClusterException(ErrorCode.Internal, $"The data directory {directory} cannot be created: {e.Message}", inner: e);
        }
        try
        {
            return new(new FileStream(Path.Combine(directory, "storage.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (UnauthorizedAccessException e)
        {
            throw new ClusterException(ErrorCode.Internal, $"The data directory {directory} cannot be written to: {e.Message}", inner: e);
        }
        catch (IOException e)
        {
            throw new ClusterException(
                ErrorCode.Internal, $"The data directory {directory} is in use by another process. Stop that process, or configure another directory.", inner: e);
        }
    }

    public void Dispose() => _file.Dispose();
}
