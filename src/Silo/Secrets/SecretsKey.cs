using System.Security.Cryptography;
using CozeCluster.Silo.Hosting;
using CozeCluster.Storage;

namespace CozeCluster.Silo.Secrets;

/// <summary>
/// Loads the key that encrypts stored secrets: from the setting <see cref="Settings.SecretsKey"/>, or from a file in the data folder.
/// The first start creates the file.
/// </summary>
internal static class SecretsKey
{
    /// <summary>The name of the file in the data folder.</summary>
    public const string FileName = DataFolder.SecretsKeyFile;

    private const UnixFileMode OwnerReadWrite = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OtherUsers = ~(OwnerReadWrite | UnixFileMode.UserExecute);

    /// <summary>Loads the key.</summary>
    /// <param name="setting">The value of the setting: Base64 of 32 bytes; null if it is not set.</param>
    /// <param name="dataDirectory">The data folder. It must exist if the setting is not set.</param>
    /// <exception cref="StartException">The key is malformed, or its file cannot be read, or other users can read it.</exception>
    public static byte[] Load(string? setting, string dataDirectory)
    {
        if (!string.IsNullOrWhiteSpace(setting))
            return Decode(setting) ?? throw new StartException($"{Settings.SecretsKey.Variable} must be Base64 of 32 random bytes (openssl rand -base64 32).");
        var path = Path.Combine(dataDirectory, FileName);
        try
        {
            if (!File.Exists(path)) Create(path);
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & OtherUsers) != 0)
                throw new StartException($"Other users can read '{path}'. Remove their permissions (chmod 600).");
            return Decode(File.ReadAllText(path)) ?? throw new StartException(
                $"'{path}' does not contain a key (Base64 of 32 bytes). Restore it from a backup. "
                + "If you delete it, the next start creates a new key, and stored secrets are lost.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"The key file '{path}' cannot be read or written: {e.Message}");
        }
    }

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
