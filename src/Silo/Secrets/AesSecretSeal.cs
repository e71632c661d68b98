using System.Security.Cryptography;
using System.Text;

namespace CozeCluster.Silo.Secrets;

/// <summary>
/// Encrypts secrets with AES-256-GCM. An encrypted secret is Base64 of a version byte, a random nonce of 12 bytes, a tag of 16 bytes, and the ciphertext.
/// A fingerprint is the first 128 bits of an HMAC-SHA256, with another key that is derived from the same one.
/// </summary>
internal sealed class AesSecretSeal : ISecretSeal
{
    /// <summary>The length of a key in bytes.</summary>
    public const int KeyBytes = 32;

    private const byte Version = 1;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int FingerprintBytes = 16;
    private const int HeaderBytes = 1 + NonceBytes + TagBytes;

    private readonly byte[] _encryptionKey;
    private readonly byte[] _fingerprintKey;

    /// <param name="key">A key of <see cref="KeyBytes"/> bytes, the same on all nodes of a cluster.</param>
    public AesSecretSeal(ReadOnlySpan<byte> key)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeyBytes);
        _encryptionKey = Derive(key, "cozecluster seal"u8);
        _fingerprintKey = Derive(key, "cozecluster fingerprint"u8);
    }

    /// <inheritdoc />
    public Secret Seal(string plain)
    {
        var text = Encoding.UTF8.GetBytes(plain);
        var seal = new byte[HeaderBytes + text.Length];
        seal[0] = Version;
        var nonce = seal.AsSpan(1, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(_encryptionKey, TagBytes);
        aes.Encrypt(nonce, text, seal.AsSpan(HeaderBytes), seal.AsSpan(1 + NonceBytes, TagBytes), seal.AsSpan(0, 1));
        var fingerprint = Convert.ToHexStringLower(HMACSHA256.HashData(_fingerprintKey, text).AsSpan(0, FingerprintBytes));
        CryptographicOperations.ZeroMemory(text);
        return new Secret(Convert.ToBase64String(seal)) { Fingerprint = fingerprint };
    }

    /// <inheritdoc />
    public string Open(Secret secret)
    {
        try
        {
            var seal = Convert.FromBase64String(secret.Sealed).AsSpan();
            if (seal.Length < HeaderBytes || seal[0] != Version) throw CannotDecrypt(null);
            var text = new byte[seal.Length - HeaderBytes];
            using var aes = new AesGcm(_encryptionKey, TagBytes);
            aes.Decrypt(seal.Slice(1, NonceBytes), seal[HeaderBytes..], seal.Slice(1 + NonceBytes, TagBytes), text, seal[..1]);
            return Encoding.UTF8.GetString(text);
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            throw CannotDecrypt(e);
        }
    }

    private static byte[] Derive(ReadOnlySpan<byte> key, ReadOnlySpan<byte> purpose)
    {
        var derived = new byte[KeyBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, derived, salt: [], info: purpose);
        return derived;
    }

    private static ClusterException CannotDecrypt(Exception? cause) =>
        new(ErrorCode.Internal, "A stored secret cannot be decrypted, because it was encrypted with another key.", inner: cause);
}
