using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace CozeCluster;

/// <summary>
/// Builds grain keys. A key has at most 100 printable ASCII characters. It never contains a secret, and it contains names that clients choose only as hashes.
/// </summary>
public static class GrainKeys
{
    /// <summary>The length of a <see cref="Hash"/> in characters, each with five bits.</summary>
    public const int HashLength = 26;

    /// <summary>The key of the only catalog.</summary>
    public const string Catalog = "catalog";

    /// <summary>The key of the only health grain.</summary>
    public const string Health = "health";

    /// <summary>The key of every <see cref="ITurnLogGrain"/>.</summary>
    public const string TurnLog = "turn-log";

    /// <summary>The key of every <see cref="IAuditLogGrain"/>.</summary>
    public const string AuditLog = "audit-log";

    /// <summary>The key of the only <see cref="ITurnRecoveryGrain"/>.</summary>
    public const string TurnRecovery = "turn-recovery";

    /// <summary>The key of the test of the storage in each silo.</summary>
    public const string StorageHealth = "storage";

    private const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

    /// <summary>The characters of a hash: Crockford's base 32 in lower case.</summary>
    public static SearchValues<char> HashAlphabet { get; } = SearchValues.Create(Alphabet);

    /// <summary>A hash over names: SHA-256, shortened to 128 bits. A zero byte separates the names; no name may contain one.</summary>
    public static string Hash(params ReadOnlySpan<string> names)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var name in names)
        {
            sha.AppendData(Encoding.UTF8.GetBytes(name));
            sha.AppendData("\0"u8);
        }
        Span<byte> digest = stackalloc byte[32];
        sha.GetHashAndReset(digest);
        return Encode(digest[..16]);
    }

    /// <summary>Encodes 16 bytes as <see cref="HashLength"/> characters.</summary>
    public static string Encode(ReadOnlySpan<byte> bytes)
    {
        var value = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return string.Create(HashLength, value, static (span, rest) =>
        {
            for (var i = span.Length - 1; i >= 0; i--)
            {
                span[i] = Alphabet[(int)(rest & 31)];
                rest >>= 5;
            }
        });
    }

    /// <summary>Decodes what <see cref="Encode"/> has written into 16 bytes.</summary>
    /// <returns>False for any other text.</returns>
    public static bool TryDecode(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        // 26 characters hold 130 bits, of which the first two are zero.
        if (text.Length != HashLength || text[0] is < '0' or > '7') return false;
        var value = UInt128.Zero;
        foreach (var character in text)
        {
            var digit = Alphabet.IndexOf(character, StringComparison.Ordinal);
            if (digit < 0) return false;
            value = value << 5 | (uint)digit;
        }
        BinaryPrimitives.WriteUInt128BigEndian(bytes, value);
        return true;
    }

    /// <summary>
    /// The SHA-256 of an API key as 64 lower-case hexadecimal digits. Everything except the request that carries the key uses this hash instead of the key.
    /// </summary>
    public static string ApiKeyHash(ReadOnlySpan<char> apiKey)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(apiKey)];
        Encoding.UTF8.GetBytes(apiKey, bytes);
        return Convert.ToHexStringLower(SHA256.HashData(bytes));
    }

    /// <summary>The key of the pool behind a model of a tenant.</summary>
    public static string ModelPool(string tenantId, string model) => "pool-" + Hash(tenantId, model);

    /// <summary>The key of a shard of a tenant's ledger.</summary>
    public static string LedgerShard(string tenantId, int shard) => string.Create(CultureInfo.InvariantCulture, $"{tenantId}.{shard}");

    /// <summary>The tenant and the number of a shard, by its key.</summary>
    public static (string TenantId, int Shard) ReadLedgerShard(string key)
    {
        var dot = key.LastIndexOf('.');
        return (key[..dot], int.Parse(key.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture));
    }

    /// <summary>The key of the budgets of a tenant, or of one of its API keys.</summary>
    public static string Budget(string tenantId, string? keyName) => keyName is null ? tenantId : $"{tenantId}.{Hash(tenantId, keyName)}";

    /// <summary>The key of the session that connects one shard of a listener.</summary>
    public static string DiscordSession(string listenerId, int shard) => $"{listenerId}.{shard}";

    /// <summary>The listener of a session, by the session's key.</summary>
    public static string ListenerOf(string session) => session[..session.LastIndexOf('.')];

    /// <summary>The key of the janitor that deletes the channels of a listener.</summary>
    public static string ChannelJanitor(string listenerId) => listenerId;

    /// <summary>The key of the grain that manages the categories of a server.</summary>
    public static string GuildCategories(string guildId) => guildId;

    /// <summary>The key of the grain through which tenants manage the channels of a server.</summary>
    public static string GuildChannels(string guildId) => guildId;

    /// <summary>Whether a conversation key belongs to a named conversation. Other conversations are deleted sooner.</summary>
    public static bool IsNamedConversation(string conversationKey) => conversationKey.StartsWith(NamedPrefix, StringComparison.Ordinal);

    internal const string NamedPrefix = "conv-";

    internal static string FreshConversation(string token) => "turn-" + token;

    internal static string NamedConversation(string token) => NamedPrefix + token;
}
