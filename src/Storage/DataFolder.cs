namespace CozeCluster.Storage;

/// <summary>The data directory of a single node. Only the user of the node can read it, whatever the umask: it contains prompts and secrets.</summary>
public static class DataFolder
{
    /// <summary>The name of the file with the key that encrypts secrets.</summary>
    public const string SecretsKeyFile = "secrets.key";

    private const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerFolder = OwnerFile | UnixFileMode.UserExecute;

    private const UnixFileMode OtherUsers = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>The files of a node in the directory. Other files belong to the operator.</summary>
    private static readonly string[] Files =
    [
        SqliteSchema.FileName, SqliteSchema.FileName + "-wal", SqliteSchema.FileName + "-shm", DirectoryLock.FileName, SqliteMark.FileName, SecretsKeyFile,
    ];

    /// <summary>
    /// Creates the directory if it is missing, and removes the permissions of other users from the directory and from the files of the node in it.
    /// </summary>
    /// <returns>A sentence for the log that says what has changed, or what could not be changed; null if nothing had to be.</returns>
    /// <exception cref="IOException">The directory cannot be created.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory cannot be created.</exception>
    public static string? MakePrivate(string directory)
    {
        CreateFolder(directory);
        if (OperatingSystem.IsWindows()) return null;
        var changed = 0;
        string? kept = null;
        foreach (var path in (IEnumerable<string>)[directory, .. Files.Select(file => Path.Combine(directory, file)), .. BlobPaths(directory)])
        {
            if (TryNarrow(path) is not { } isNarrow) continue;
            if (isNarrow) changed++;
            else kept ??= path;
        }
        if (kept is not null) return $"Other users of this machine may be able to read {kept}: this user cannot remove their permissions.";
        return changed == 0 ? null : $"Removed the permissions of other users from {changed} files and folders of {directory}.";
    }

    /// <summary>
    /// Accepts the database of a directory as it is, although saves are missing in it or it is another one. The next start uses it, or creates an empty one if
    /// there is none.
    /// </summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.NotFound"/>: no node has used the directory. <see cref="ErrorCode.Internal"/>: a node uses it now.
    /// </exception>
    public static void Accept(string directory)
    {
        if (!File.Exists(Path.Combine(directory, SqliteSchema.FileName)) && !File.Exists(Path.Combine(directory, SqliteMark.FileName)))
            throw new ClusterException(ErrorCode.NotFound, $"The directory {directory} does not contain the data of a node.");
        using var directoryLock = DirectoryLock.Acquire(directory);
        SqliteMark.Reset(directory);
    }

    /// <summary>Creates a folder that other users cannot read, and its parents.</summary>
    internal static void CreateFolder(string path)
    {
        if (Directory.Exists(path)) return;
        // The system would create missing parents for all users.
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } parent) CreateFolder(parent);
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
        else Directory.CreateDirectory(path, OwnerFolder);
    }

    /// <summary>Options for a file that other users cannot read if it is created.</summary>
    internal static FileStreamOptions OpenOptions(FileMode mode, FileShare share = FileShare.Read)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = share, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerFile;
        return options;
    }

    private static IEnumerable<string> BlobPaths(string directory)
    {
        var blobs = Path.Combine(directory, FileBlobStore.FolderName);
        if (!Directory.Exists(blobs)) return [];
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        return [blobs, .. Directory.EnumerateFileSystemEntries(blobs, "*", options)];
    }

    /// <returns>Null if nothing has to change; false if this user cannot change it.</returns>
    private static bool? TryNarrow(string path)
    {
        if (OperatingSystem.IsWindows()) return null;
        try
        {
            var mode = File.GetUnixFileMode(path);
            if ((mode & OtherUsers) == 0) return null;
            // A folder with this bit is shared by all users, such as that of temporary files.
            if (mode.HasFlag(UnixFileMode.StickyBit)) return false;
            File.SetUnixFileMode(path, mode & ~OtherUsers);
            return true;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
