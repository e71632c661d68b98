using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace CozeCluster;

/// <summary>How grain keys are made: at most 100 printable ASCII characters, never a secret, names that clients choose only as hashes.</summary>
public static class GrainKeys
{
    /// <summary>Characters in a <see cref="Hash"/>: 130 bits, five to a character.</summary>
    public const int HashLength = 26;

    /// <summary>How many <c>RunningTurns</c> registries there are. Part of stored data: never changed.</summary>
    public const int RunningTurnsShards = 16;

    /// <summary>The key of the one catalog.</summary>
    public const string Catalog = "catalog";

    /// <summary>The key of the one health grain.</summary>
    public const string Health = "health";

    private const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

    /// <summary>The characters a hash is made of (Crockford's base 32, lower case).</summary>
    public static SearchValues<char> HashAlphabet { get; } = SearchValues.Create(Alphabet);

    /// <summary>A hash over names: SHA-256, the names told apart by a separator that none may contain, cut to 128 bits.</summary>
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

    /// <summary>16 bytes as <see cref="HashLength"/> characters.</summary>
    public static string Encode(ReadOnlySpan<byte> sixteen)
    {
        var value = new UInt128(
            System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(sixteen), System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(sixteen[8..]));
        return string.Create(HashLength, value, static (span, rest) =>
        {
            for (var i = span.Length - 1; i >= 0; i--)
            {
                span[i] = Alphabet[(int)(rest & 31)];
                rest >>= 5;
            }
        });
    }

    /// <summary>What stands for an API key everywhere outside the request that carried it: its SHA-256 as 64 lower-case hexadecimal digits.</summary>
    public static string ApiKeyHash(ReadOnlySpan<char> apiKey)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(apiKey)];
        Encoding.UTF8.GetBytes(apiKey, bytes);
        return Convert.ToHexStringLower(SHA256.HashData(bytes));
    }

    /// <summary>The model pool of a tenant.</summary>
    public static string ModelPool(string tenantId, string model) => "pool-" + Hash(tenantId, model);

    /// <summary>The registry that holds a conversation's running turns.</summary>
    public static string RunningTurns(string conversationKey)
    {
        // string.GetHashCode differs between processes; this must not.
        var sum = 2166136261u;
        foreach (var c in conversationKey) sum = (sum ^ c) * 16777619u;
        return RunningTurnsShard((int)(sum % RunningTurnsShards));
    }

    /// <summary>The registry of that number, 0 to <see cref="RunningTurnsShards"/> - 1.</summary>
    public static string RunningTurnsShard(int shard) => $"running-{shard:d2}";

    /// <summary>The gateway connection of a listener's shard.</summary>
    public static string DiscordSession(string listenerId, int shard) => $"{listenerId}.{shard}";

    /// <summary>The janitor of the server a listener works in.</summary>
    public static string ChannelJanitor(string listenerId) => listenerId;

    /// <summary>The categories of a server.</summary>
    public static string GuildCategories(string guildId) => guildId;

    /// <summary>Whether a conversation key is that of a named conversation; a fresh one is forgotten sooner.</summary>
    public static bool IsNamedConversation(string conversationKey) => conversationKey.StartsWith(NamedPrefix, StringComparison.Ordinal);

    internal const string NamedPrefix = "conv-";

    internal static string FreshConversation(string token) => "turn-" + token;

    internal static string NamedConversation(string token) => NamedPrefix + token;
}
