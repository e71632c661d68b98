using System.Security.Cryptography;
using System.Text;

namespace CozeCluster.Silo.Secrets;

/// <summary>
/// Encrypts secrets with AES-256-GCM. An encrypted secret is Base64 of a version byte, a random nonce of 12 bytes, a tag of 16 bytes, and the ciphertext.
/// A fingerprint is the first 128 bits of an HMAC-SHA256, with a key of its own that stays the same when the key that encrypts is replaced. Thread-safe.
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

    private readonly IReadOnlyList<Key> _keys;
    private volatile Choice _choice;

    /// <param name="keys">
    /// Keys of <see cref="KeyBytes"/> bytes, at least one; the same on all nodes of a cluster. All of them open secrets. Until <see cref="Choose"/> is called,
    /// the last one encrypts.
    /// </param>
    public AesSecretSeal(params ReadOnlySpan<byte[]> keys)
    {
        ArgumentOutOfRangeException.ThrowIfZero(keys.Length);
        _keys = [.. keys.ToArray().Select(static key => new Key(key))];
        _choice = new Choice(_keys[^1], _keys[^1].Fingerprints);
    }

    /// <summary>The id of the key that encrypts. It reveals nothing of the key.</summary>
    public string KeyId => _choice.Key.Id;

    /// <summary>The id of a key.</summary>
    public static string IdOf(byte[] key) => new Key(key).Id;

    /// <summary>Chooses the key that encrypts: the one that has encrypted what is stored, so that all nodes can open what this one encrypts.</summary>
    /// <param name="sealKey">What a rotation has stored; null: the key was never replaced.</param>
    /// <param name="stored">A stored secret; null: none is stored.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: a rotation has chosen a key that this process does not have.</exception>
    public void Choose(SealKey? sealKey, Secret? stored)
    {
        if (sealKey is null)
        {
            var used = stored is null ? null : _keys.FirstOrDefault(key => TryOpen(key, stored, out _));
            used ??= _keys[^1];
            _choice = new Choice(used, used.Fingerprints);
            return;
        }
        if (_keys.FirstOrDefault(key => key.Id == sealKey.KeyId) is not { } chosen || !TryOpen(chosen, sealKey.Fingerprints, out var fingerprints))
        {
            throw new ClusterException(
                ErrorCode.InvalidRequest,
                $"The stored secrets are encrypted with the key {sealKey.KeyId}, but this node has {DescribeKeys()}. Give it that key too. If the key is lost, "
                + "run 'secrets forget': then the next start encrypts the secrets of the fleet file again, and those that the admin API has set must be set "
                + "again.");
        }
        _choice = new Choice(chosen, Convert.FromBase64String(fingerprints));
    }

    /// <summary>Prepares the replacement of the key that encrypts. Fingerprints stay the same.</summary>
    /// <param name="newKey">The new key.</param>
    /// <returns>A seal that encrypts with it, and what has to be stored together with what that seal encrypts.</returns>
    public (ISecretSeal Seal, SealKey Stored) Rotate(byte[] newKey)
    {
        var seal = new AesSecretSeal(newKey);
        seal._choice = new Choice(seal._keys[0], _choice.Fingerprints);
        return (seal, new SealKey(seal.KeyId, new Secret(seal.Encrypt(Convert.ToBase64String(_choice.Fingerprints)))));
    }

    /// <inheritdoc />
    public Secret Seal(string plain)
    {
        var text = Encoding.UTF8.GetBytes(plain);
        var fingerprint = Convert.ToHexStringLower(HMACSHA256.HashData(_choice.Fingerprints, text).AsSpan(0, FingerprintBytes));
        CryptographicOperations.ZeroMemory(text);
        return new Secret(Encrypt(plain)) { Fingerprint = fingerprint };
    }

    /// <inheritdoc />
    public string Open(Secret secret)
    {
        foreach (var key in _keys)
        {
            if (TryOpen(key, secret, out var plain)) return plain;
        }
        throw new ClusterException(
            ErrorCode.Internal, $"A stored secret cannot be decrypted, because it was encrypted with another key. This node has {DescribeKeys()}. Give it that "
            + "key too. If the key is lost, set the secret again, in the fleet file or with the admin API.");
    }

    private string DescribeKeys() => $"{(_keys.Count == 1 ? "the key" : "the keys")} {string.Join(", ", _keys.Select(key => key.Id))}";

    private string Encrypt(string plain)
    {
        var text = Encoding.UTF8.GetBytes(plain);
        var seal = new byte[HeaderBytes + text.Length];
        seal[0] = Version;
        var nonce = seal.AsSpan(1, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(_choice.Key.Encryption, TagBytes);
        aes.Encrypt(nonce, text, seal.AsSpan(HeaderBytes), seal.AsSpan(1 + NonceBytes, TagBytes), seal.AsSpan(0, 1));
        CryptographicOperations.ZeroMemory(text);
        return Convert.ToBase64String(seal);
    }

    // The tag tells whether this is the key, so a seal does not have to name its key.
    private static bool TryOpen(Key key, Secret secret, out string plain)
    {
        plain = "";
        try
        {
            var seal = Convert.FromBase64String(secret.Sealed).AsSpan();
            if (seal.Length < HeaderBytes || seal[0] != Version) return false;
            var text = new byte[seal.Length - HeaderBytes];
            using var aes = new AesGcm(key.Encryption, TagBytes);
            aes.Decrypt(seal.Slice(1, NonceBytes), seal[HeaderBytes..], seal.Slice(1 + NonceBytes, TagBytes), text, seal[..1]);
            plain = Encoding.UTF8.GetString(text);
            return true;
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return false;
        }
    }

    /// <summary>A key, and what is derived from it.</summary>
    private sealed class Key
    {
        public Key(byte[] key)
        {
            ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeyBytes);
            Encryption = Derive(key, "cozecluster seal"u8);
            Fingerprints = Derive(key, "cozecluster fingerprint"u8);
            Id = Convert.ToHexStringLower(Derive(key, "cozecluster key id"u8).AsSpan(0, 4));
        }

        public byte[] Encryption { get; }

        public byte[] Fingerprints { get; }

        public string Id { get; }

        private static byte[] Derive(ReadOnlySpan<byte> key, ReadOnlySpan<byte> purpose)
        {
            var derived = new byte[KeyBytes];
            HKDF.DeriveKey(HashAlgorithmName.SHA256, key, derived, salt: [], info: purpose);
            return derived;
        }
    }

    private sealed record Choice(Key Key, byte[] Fingerprints);
}
