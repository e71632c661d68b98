using System.Buffers.Binary;
using System.Security.Cryptography;

namespace CozeCluster;

/// <summary>
/// Creates and parses turn ids. The conversation that holds a turn follows from the turn's id alone; the conversation checks whether the turn belongs to the
/// caller.
/// </summary>
/// <remarks>
/// <list type="table">
/// <item><term>turn_{26 characters}</term><description>The first turn of a conversation without a name.</description></item>
/// <item><term>turn_{26 characters}_{26 characters of the conversation}</term><description>A turn of a named conversation.</description></item>
/// <item><term>turn_{26 characters}-{26 characters of the first turn}</term>
/// <description>A later turn of a conversation without a name (results of tool calls).</description></item>
/// </list>
/// </remarks>
public static class TurnId
{
    private const string Prefix = "turn_";
    private const int TokenLength = GrainKeys.HashLength;

    /// <summary>Creates an id for a turn.</summary>
    /// <param name="tenantId">The tenant.</param>
    /// <param name="conversationName">The client's name for the conversation; null for a new conversation without a name.</param>
    public static string New(string tenantId, string? conversationName) => Compose(NewToken(), tenantId, conversationName);

    /// <summary>Derives an id from an idempotency key: the same tenant, conversation and key give the same id.</summary>
    public static string FromIdempotencyKey(string tenantId, string? conversationName, string idempotencyKey) =>
        Compose(GrainKeys.Hash("idempotency", tenantId, conversationName ?? "", idempotencyKey), tenantId, conversationName);

    /// <summary>Creates an id for a turn in the conversation that holds <paramref name="earlierTurnId"/>.</summary>
    /// <exception cref="ArgumentException"><paramref name="earlierTurnId"/> is not a turn id.</exception>
    public static string NewInConversationOf(string earlierTurnId) => ComposeInConversationOf(earlierTurnId, NewToken());

    /// <summary>Derives an id from an idempotency key, for a turn in the conversation that holds <paramref name="earlierTurnId"/>.</summary>
    /// <exception cref="ArgumentException"><paramref name="earlierTurnId"/> is not a turn id.</exception>
    public static string FromIdempotencyKeyInConversationOf(string earlierTurnId, string tenantId, string idempotencyKey) =>
        ComposeInConversationOf(earlierTurnId, GrainKeys.Hash("idempotency", tenantId, earlierTurnId, idempotencyKey));

    private static string ComposeInConversationOf(string earlierTurnId, string token)
    {
        if (!TryGetConversation(earlierTurnId, out var key)) throw new ArgumentException("Not a turn id.", nameof(earlierTurnId));
        var separator = key.StartsWith(GrainKeys.NamedPrefix, StringComparison.Ordinal) ? '_' : '-';
        return $"{Prefix}{token}{separator}{key.AsSpan(key.Length - TokenLength)}";
    }

    /// <summary>Gets the key of the conversation grain that holds the turn.</summary>
    /// <returns>False if <paramref name="turnId"/> is not a turn id.</returns>
    public static bool TryGetConversation(string? turnId, out string conversationKey)
    {
        conversationKey = "";
        if (turnId is null || !turnId.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        var rest = turnId.AsSpan(Prefix.Length);
        if (rest.Length is not (TokenLength or 2 * TokenLength + 1) || !IsToken(rest[..TokenLength])) return false;
        if (rest.Length == TokenLength)
        {
            conversationKey = GrainKeys.FreshConversation(rest.ToString());
            return true;
        }
        if (rest[TokenLength] is not ('_' or '-') || !IsToken(rest[(TokenLength + 1)..])) return false;
        var conversation = rest[(TokenLength + 1)..].ToString();
        conversationKey = rest[TokenLength] == '_' ? GrainKeys.NamedConversation(conversation) : GrainKeys.FreshConversation(conversation);
        return true;
    }

    /// <summary>Whether the id belongs to the first turn of a conversation without a name.</summary>
    public static bool BeginsConversation(string turnId) => turnId.Length == Prefix.Length + TokenLength;

    /// <summary>The key of a named conversation.</summary>
    public static string ConversationKey(string tenantId, string conversationName) =>
        GrainKeys.NamedConversation(GrainKeys.Hash("conversation", tenantId, conversationName));

    private static string Compose(string token, string tenantId, string? conversationName) => conversationName is null
        ? Prefix + token
        : $"{Prefix}{token}_{GrainKeys.Hash("conversation", tenantId, conversationName)}";

    /// <summary>
    /// A token that no other turn has: 48 bits of milliseconds since 1970 UTC and 80 random bits. The storage's indexes contain tokens; tokens that follow each
    /// other in time are neighbours there, so inserts touch few pages.
    /// </summary>
    private static string NewToken()
    {
        Span<byte> token = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(token, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() << 16);
        RandomNumberGenerator.Fill(token[6..]);
        return GrainKeys.Encode(token);
    }

    private static bool IsToken(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(GrainKeys.HashAlphabet);
}
