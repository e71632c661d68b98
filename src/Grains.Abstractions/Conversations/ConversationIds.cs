using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace CozeCluster;

/// <summary>
/// Makes the keys of conversations and the ids of turns, and checks the ids that clients send. All of them depend on a secret key of the cluster and on the
/// tenant: nobody can calculate the key of a conversation from its name, and an id that was not made for a tenant addresses nothing for it. Thread-safe.
/// </summary>
/// <remarks>
/// The first 26 characters of a turn id are 128 bits: 96 that identify the turn, and 32 that authenticate them together with the tenant and the conversation.
/// The check keeps forged ids away from the storage; that a turn belongs to the caller is checked by its conversation too.
/// </remarks>
public sealed class ConversationIds
{
    /// <summary>The length of a key in bytes.</summary>
    public const int KeyBytes = 32;

    private const int TokenBytes = 16;
    private const int CheckBytes = 4;

    private readonly byte[] _key;

    /// <param name="key">The key: <see cref="KeyBytes"/> random bytes, the same on all nodes of a cluster.</param>
    public ConversationIds(ReadOnlySpan<byte> key)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeyBytes);
        _key = key.ToArray();
    }

    /// <summary>Creates a key at random.</summary>
    public static byte[] NewKey() => RandomNumberGenerator.GetBytes(KeyBytes);

    /// <summary>The key of a named conversation.</summary>
    public string KeyOf(string tenantId, string conversationName) => GrainKeys.NamedConversation(TokenOf(tenantId, conversationName));

    /// <summary>Creates an id for a turn.</summary>
    /// <param name="tenantId">The tenant.</param>
    /// <param name="conversationName">The client's name for the conversation; null for a new conversation without a name.</param>
    public string NewTurn(string tenantId, string? conversationName) => CreateTurn(tenantId, EndingOf(tenantId, conversationName));

    /// <summary>Creates an id for a turn in the conversation that holds <paramref name="earlierTurnId"/>.</summary>
    /// <exception cref="ArgumentException"><paramref name="earlierTurnId"/> was not made for this tenant.</exception>
    public string NewTurnAfter(string tenantId, string earlierTurnId) => CreateTurn(tenantId, EndingAfter(tenantId, earlierTurnId));

    /// <summary>Derives an id from an idempotency key: the same tenant, conversation and key give the same id.</summary>
    public string TurnOfKey(string tenantId, string? conversationName, string idempotencyKey) =>
        DeriveTurn(tenantId, EndingOf(tenantId, conversationName), "", idempotencyKey);

    /// <summary>Derives an id from an idempotency key, for a turn in the conversation that holds <paramref name="earlierTurnId"/>.</summary>
    /// <exception cref="ArgumentException"><paramref name="earlierTurnId"/> was not made for this tenant.</exception>
    public string TurnOfKeyAfter(string tenantId, string earlierTurnId, string idempotencyKey) =>
        DeriveTurn(tenantId, EndingAfter(tenantId, earlierTurnId), earlierTurnId, idempotencyKey);

    /// <summary>Gets the key of the conversation grain that holds the turn.</summary>
    /// <returns>False if the id was not made for this tenant under this key.</returns>
    public bool TryGetConversation(string tenantId, string? turnId, out string conversationKey)
    {
        if (!TurnId.TryGetConversation(turnId, out conversationKey)) return false;
        var rest = turnId.AsSpan(TurnId.Prefix.Length);
        Span<byte> token = stackalloc byte[TokenBytes];
        Span<byte> expected = stackalloc byte[CheckBytes];
        if (GrainKeys.TryDecode(rest[..TurnId.TokenLength], token))
        {
            WriteCheck(expected, token, tenantId, rest[TurnId.TokenLength..].ToString());
            if (CryptographicOperations.FixedTimeEquals(expected, token[^CheckBytes..])) return true;
        }
        conversationKey = "";
        return false;
    }

    /// <summary>Whether a conversation accepts a request: its turn id was made for its tenant and this conversation, and its name leads to it.</summary>
    /// <param name="conversationKey">The key of the conversation.</param>
    /// <param name="request">The request.</param>
    /// <param name="opens">
    /// Whether nothing is stored under the key, so that the request would open the conversation. Only a request that carries the conversation's name opens a
    /// named one, and only a first turn opens one without a name. Results of tool calls open nothing.
    /// </param>
    public bool Accepts(string conversationKey, TurnRequest request, bool opens)
    {
        if (!TryGetConversation(request.TenantId, request.TurnId, out var key) || key != conversationKey) return false;
        if (opens && request.ToolOutputs.Count > 0) return false;
        return request.ConversationName is { } name
            ? KeyOf(request.TenantId, name) == conversationKey
            : !opens || TurnId.BeginsConversation(request.TurnId);
    }

    private string TokenOf(string tenantId, string conversationName)
    {
        Span<byte> token = stackalloc byte[TokenBytes];
        Authenticate(token, [], "conversation", tenantId, conversationName);
        return GrainKeys.Encode(token);
    }

    private string EndingOf(string tenantId, string? conversationName) => conversationName is null ? "" : "_" + TokenOf(tenantId, conversationName);

    private string EndingAfter(string tenantId, string earlierTurnId)
    {
        if (!TryGetConversation(tenantId, earlierTurnId, out var key)) throw new ArgumentException("Not a turn id of the tenant.", nameof(earlierTurnId));
        return $"{(GrainKeys.IsNamedConversation(key) ? '_' : '-')}{key.AsSpan(key.Length - TurnId.TokenLength)}";
    }

    /// <summary>
    /// An id that no other turn has: 48 bits of milliseconds since 1970 UTC and 48 random bits. The storage's indexes contain ids; ids that follow each other
    /// in time are neighbours there, so inserts touch few pages.
    /// </summary>
    private string CreateTurn(string tenantId, string ending)
    {
        Span<byte> token = stackalloc byte[TokenBytes];
        BinaryPrimitives.WriteInt64BigEndian(token, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() << 16);
        RandomNumberGenerator.Fill(token[6..^CheckBytes]);
        return Complete(token, tenantId, ending);
    }

    private string DeriveTurn(string tenantId, string ending, string earlierTurnId, string idempotencyKey)
    {
        Span<byte> token = stackalloc byte[TokenBytes];
        Authenticate(token[..^CheckBytes], [], "idempotency", tenantId, ending, earlierTurnId, idempotencyKey);
        return Complete(token, tenantId, ending);
    }

    private string Complete(Span<byte> token, string tenantId, string ending)
    {
        WriteCheck(token[^CheckBytes..], token, tenantId, ending);
        return TurnId.Prefix + GrainKeys.Encode(token) + ending;
    }

    private void WriteCheck(Span<byte> check, ReadOnlySpan<byte> token, string tenantId, string ending) =>
        Authenticate(check, token[..^CheckBytes], "turn", tenantId, ending);

    /// <summary>The beginning of an HMAC-SHA256. The length before each text keeps different texts from being joined to the same bytes.</summary>
    private void Authenticate(Span<byte> destination, ReadOnlySpan<byte> first, params ReadOnlySpan<string> texts)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key);
        Span<byte> length = stackalloc byte[sizeof(int)];
        hmac.AppendData(first);
        foreach (var text in texts)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
            hmac.AppendData(length);
            hmac.AppendData(bytes);
        }
        Span<byte> digest = stackalloc byte[HMACSHA256.HashSizeInBytes];
        hmac.GetHashAndReset(digest);
        digest[..destination.Length].CopyTo(destination);
    }
}
