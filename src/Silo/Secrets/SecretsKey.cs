using System.Security.Cryptography;
using CozeCluster.Silo.Hosting;

namespace CozeCluster.Silo.Secrets;

/// <summary>Where the key that seals secrets comes from: the setting <see cref="Settings.SecretsKey"/>, else a file in the data folder, made at the first start.</summary>
internal static class SecretsKey
{
    /// <summary>The file's name in the data folder.</summary>
    public const string FileName = "secrets.key";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Others = ~(OwnerOnly | UnixFileMode.UserExecute);

    /// <summary>The key.</summary>
    /// <param name="setting">What was set: Base64 of 32 bytes, or null.</param>
    /// <param name="dataDirectory">The data folder; it exists, unless a key was set.</param>
    /// <exception cref="StartException">The key is malformed, or its file cannot be read, or others may read it.</exception>
    public static byte[] Load(string? setting, string dataDirectory)
    {
        if (!string.IsNullOrWhiteSpace(setting))
            return Decode(setting) ?? throw new StartException($"{Settings.SecretsKey.Variable} must be Base64 of 32 random bytes (openssl rand -base64 32).");
        var path = Path.Combine(dataDirectory, FileName);
        try
        {
            if (!File.Exists(path)) Create(path);
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0)
                throw new StartException($"'{path}' may be read by others; take their permissions away (chmod 600).");
            return Decode(File.ReadAllText(path)) ?? throw new StartException(
                $"'{path}' does not hold a key (Base64 of 32 bytes). Restore it; without it, stored secrets are lost, and a new one is made once the file is gone.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"The key file '{path}' cannot be read or written: {e.Message}");
        }
    }

    // The file is written aside and moved into place, so that nobody reads half a key. The lock makes the first of several nodes win: File.Move looks for the target first and
    // would replace a key that another node has just made and read.
    private static void Create(string path)
    {
        using var claim = Claim(path + ".lock");
        if (File.Exists(path)) return;
        var temporary = $"{path}.{Guid.NewGuid():N}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        using (var writer = new StreamWriter(temporary, options)) writer.WriteLine(Convert.ToBase64String(RandomNumberGenerator.GetBytes(AesSecretSeal.KeyBytes)));
        File.Move(temporary, path, overwrite: false);
    }

    // The holder needs a few milliseconds. The lock file may be deleted while others wait for it: the key exists by then, and they look for it.
    private static FileStream Claim(string path)
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
