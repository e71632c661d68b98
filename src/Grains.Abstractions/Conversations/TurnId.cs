namespace CozeCluster;

/// <summary>
/// The form of turn ids. The conversation that holds a turn follows from the turn's id alone. <see cref="ConversationIds"/> makes ids, and checks those that
/// clients send.
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
    internal const string Prefix = "turn_";
    internal const int TokenLength = GrainKeys.HashLength;

    /// <summary>
    /// Gets the key of the conversation grain that a turn id names. The id may be forged: see <see cref="ConversationIds.TryGetConversation"/>.
    /// </summary>
    /// <returns>False if <paramref name="turnId"/> does not have the form of a turn id.</returns>
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

    private static bool IsToken(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(GrainKeys.HashAlphabet);
}
