using System.Security.Cryptography;

namespace CozeCluster;

/// <summary>
/// Turn ids: <c>turn_</c> and 26 characters for a turn in a fresh conversation; followed by <c>_</c> and the conversation's 26 characters
/// for a turn in a named one; followed by <c>-</c> and the first turn's 26 characters for a later turn in a fresh one (results of tool calls).
/// So the conversation that holds a turn is known from the id alone; that it belongs to the caller is checked there.
/// </summary>
public static class TurnId
{
    private const string Prefix = "turn_";
    private const int Token = GrainKeys.HashLength;

    /// <summary>A new id.</summary>
    /// <param name="tenantId">The tenant.</param>
    /// <param name="conversationName">The client's name for the conversation, or null for a fresh one.</param>
    public static string New(string tenantId, string? conversationName)
    {
        Span<byte> random = stackalloc byte[16];
        RandomNumberGenerator.Fill(random);
        return Compose(GrainKeys.Encode(random), tenantId, conversationName);
    }

    /// <summary>The id that stands for an idempotency key: the same tenant, conversation and key give the same id.</summary>
    public static string FromIdempotencyKey(string tenantId, string? conversationName, string idempotencyKey) =>
        Compose(GrainKeys.Hash("idempotency", tenantId, conversationName ?? "", idempotencyKey), tenantId, conversationName);

    /// <summary>A new id in the conversation that holds <paramref name="earlierTurnId"/>.</summary>
    /// <exception cref="ArgumentException">That is not a turn id.</exception>
    public static string NewInConversationOf(string earlierTurnId)
    {
        Span<byte> random = stackalloc byte[16];
        RandomNumberGenerator.Fill(random);
        return ComposeInConversationOf(earlierTurnId, GrainKeys.Encode(random));
    }

    /// <summary>The id in the conversation that holds <paramref name="earlierTurnId"/> that stands for an idempotency key.</summary>
    /// <exception cref="ArgumentException">That is not a turn id.</exception>
    public static string FromIdempotencyKeyInConversationOf(string earlierTurnId, string tenantId, string idempotencyKey) =>
        ComposeInConversationOf(earlierTurnId, GrainKeys.Hash("idempotency", tenantId, earlierTurnId, idempotencyKey));

    private static string ComposeInConversationOf(string earlierTurnId, string token)
    {
        if (!TryGetConversation(earlierTurnId, out var key)) throw new ArgumentException("Not a turn id.", nameof(earlierTurnId));
        var separator = key.StartsWith(GrainKeys.NamedPrefix, StringComparison.Ordinal) ? '_' : '-';
        return $"{Prefix}{token}{separator}{key.AsSpan(key.Length - Token)}";
    }

    /// <summary>The key of the conversation grain that holds the turn.</summary>
    /// <returns>False if <paramref name="turnId"/> is not a turn id.</returns>
    public static bool TryGetConversation(string? turnId, out string conversationKey)
    {
        conversationKey = "";
        if (turnId is null || !turnId.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        var rest = turnId.AsSpan(Prefix.Length);
        if (rest.Length == Token && IsToken(rest))
        {
            conversationKey = GrainKeys.FreshConversation(rest.ToString());
            return true;
        }
        if (rest.Length != 2 * Token + 1 || rest[Token] is not ('_' or '-') || !IsToken(rest[..Token]) || !IsToken(rest[(Token + 1)..])) return false;
        var conversation = rest[(Token + 1)..].ToString();
        conversationKey = rest[Token] == '_' ? GrainKeys.NamedConversation(conversation) : GrainKeys.FreshConversation(conversation);
        return true;
    }

    /// <summary>Whether it is the id of the first turn of a fresh conversation.</summary>
    public static bool BeginsConversation(string turnId) => turnId.Length == Prefix.Length + Token;

    /// <summary>The key of the conversation a client calls <paramref name="conversationName"/>.</summary>
    public static string ConversationKey(string tenantId, string conversationName) =>
        GrainKeys.NamedConversation(GrainKeys.Hash("conversation", tenantId, conversationName));

    private static string Compose(string token, string tenantId, string? conversationName) => conversationName is null
        ? Prefix + token
        : $"{Prefix}{token}_{GrainKeys.Hash("conversation", tenantId, conversationName)}";

    private static bool IsToken(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(GrainKeys.HashAlphabet);
}
