using System.Security.Cryptography;

namespace CozeCluster.Silo.Fleets;

/// <summary>A file that holds one secret.</summary>
internal static class SecretFile
{
    private const int MaxBytes = 64 * 1024;

    /// <summary>Its content; null if there is none to be had, or more than a secret may be long.</summary>
    public static byte[]? Read(string path)
    {
        try
        {
            return new FileInfo(path) is { Exists: true, Length: <= MaxBytes } ? File.ReadAllBytes(path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>Differs when the content does.</summary>
    public static string Digest(byte[]? content) => content is null ? "none" : Convert.ToHexStringLower(SHA256.HashData(content));
}
