using System.Security.Cryptography;
using CozeCluster.Silo.Hosting;
using CozeCluster.Storage;

namespace CozeCluster.Silo.Secrets;

/// <summary>
/// Loads the keys that encrypt stored secrets: from the setting <see cref="Settings.SecretsKey"/>, or from a file in the data folder. The first start creates
/// the file. Usually there is one key; while it is replaced, there are two.
/// </summary>
internal static class SecretsKey
{
    /// <summary>The name of the file in the data folder.</summary>
    public const string FileName = DataFolder.SecretsKeyFile;

    private const UnixFileMode OwnerReadWrite = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OtherUsers = ~(OwnerReadWrite | UnixFileMode.UserExecute);

    /// <summary>Loads the keys.</summary>
    /// <param name="setting">The value of the setting: Base64 of 32 bytes, or several separated by <c>,</c>; null if it is not set.</param>
    /// <param name="dataDirectory">The data folder. It must exist if the setting is not set.</param>
    /// <returns>At least one key, in the order in which they are written. In the file, the newest one is the last.</returns>
    /// <exception cref="StartException">A key is malformed, or their file cannot be read, or other users can read it.</exception>
    public static byte[][] Load(string? setting, string dataDirectory)
    {
        if (!string.IsNullOrWhiteSpace(setting))
        {
            var keys = setting.Split(',').Select(Decode).ToList();
            if (!keys.Contains(null)) return [.. keys.OfType<byte[]>()];
            throw new StartException(
                $"{Settings.SecretsKey.Variable} must be Base64 of 32 random bytes (openssl rand -base64 32), or several such keys separated by ','.");
        }
        var path = PathOf(dataDirectory);
        try
        {
            if (!File.Exists(path)) Create(path);
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & OtherUsers) != 0)
                throw new StartException($"Other users can read '{path}'. Remove their permissions (chmod 600).");
            return Read(path) ?? throw new StartException(
                $"'{path}' does not contain a key (Base64 of 32 bytes) on each line. Restore it from a backup. "
                + "If you delete it, the next start creates a new key, and stored secrets are lost.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CannotUse(path, e);
        }
    }

    /// <summary>Adds a new key as the last one of the file. When this method returns, the key is on the disk.</summary>
    /// <returns>The key.</returns>
    /// <exception cref="StartException">The file cannot be written.</exception>
    public static byte[] Add(string dataDirectory)
    {
        var path = PathOf(dataDirectory);
        var key = RandomNumberGenerator.GetBytes(AesSecretSeal.KeyBytes);
        try
        {
            // A line that a crash has cut is not continued.
            var text = $"{(File.ReadAllText(path).EndsWith('\n') ? "" : "\n")}{Convert.ToBase64String(key)}\n";
            // Added to the file, and not written to another one: a crash at any moment leaves the keys that are in use as they are.
            using var file = new FileStream(path, FileMode.Append, FileAccess.Write);
            file.Write(System.Text.Encoding.ASCII.GetBytes(text));
            file.Flush(flushToDisk: true);
            return key;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CannotUse(path, e);
        }
    }

    private static string PathOf(string dataDirectory) => Path.Combine(dataDirectory, FileName);

    private static StartException CannotUse(string path, Exception e) => new($"The key file '{path}' cannot be read or written: {e.Message}");

    // A crash may have cut a key that was being added. Nothing is encrypted with it.
    private static byte[][]? Read(string path)
    {
        var lines = File.ReadAllLines(path).Where(line => line.Trim().Length > 0).ToList();
        var keys = lines.Select(Decode).ToList();
        if (keys is not [not null, ..] || keys.Skip(1).Where((key, index) => key is null && !IsCut(lines[index + 1])).Any()) return null;
        return [.. keys.OfType<byte[]>()];
    }

    private static bool IsCut(string line) => line.Length < Convert.ToBase64String(new byte[AesSecretSeal.KeyBytes]).Length;

    // The key is written to a temporary file and then moved, so that no process reads half a key. The lock makes the first of several processes win:
    // File.Move checks for an existing target and then moves, and could replace a key that another process has just created and read.
    private static void Create(string path)
    {
        using var fileLock = Lock(path + ".lock");
        if (File.Exists(path)) return;
        var temporary = $"{path}.{Guid.NewGuid():N}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerReadWrite;
        var key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(AesSecretSeal.KeyBytes));
        using (var writer = new StreamWriter(temporary, options)) writer.WriteLine(key);
        File.Move(temporary, path, overwrite: false);
    }

    // A process holds the lock for a few milliseconds. The lock file may be deleted while others wait for it; they then find the finished key.
    private static FileStream Lock(string path)
    {
        var wait = new SpinWait();
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
            }
            catch (IOException) when (wait.Count < 5_000)
            {
                wait.SpinOnce();
            }
        }
    }

    private static byte[]? Decode(string text)
    {
        var key = new byte[AesSecretSeal.KeyBytes + 3];
        return Convert.TryFromBase64String(text.Trim(), key, out var length) && length == AesSecretSeal.KeyBytes ? key[..length] : null;
    }
}
