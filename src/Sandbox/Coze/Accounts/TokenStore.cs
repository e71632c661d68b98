using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace CozeCluster.Sandbox.Coze.Accounts;

/// <summary>The tokens the fake knows: a few fixed ones and those minted since the last reset.</summary>
internal sealed class TokenStore
{
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, CozeToken> _tokens = new(StringComparer.Ordinal);

    public TokenStore(TimeProvider time)
    {
        _time = time;
        Reset();
    }

    /// <summary>Forgets minted tokens and brings the fixed ones back.</summary>
    public void Reset()
    {
        _tokens.Clear();
        Add(new CozeToken("pat_sandbox", "sandbox", CozePermissions.All));
        Add(new CozeToken("pat_sandbox_2", "sandbox-2", CozePermissions.All));
        Add(new CozeToken("pat_sandbox_chat_only", "sandbox", new HashSet<string>(StringComparer.Ordinal) { CozePermissions.Chat }));
        Add(new CozeToken("pat_sandbox_expired", "sandbox", CozePermissions.All) { ExpiresAt = DateTimeOffset.UnixEpoch });
    }

    /// <summary>A new token that works at once.</summary>
    public CozeToken Mint(string prefix, string account, IReadOnlySet<string> permissions, TimeSpan? lifetime, int? chats = null) => Add(
        new CozeToken(prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20)), account, permissions)
        {
            ExpiresAt = _time.GetUtcNow() + lifetime,
            ChatsLeft = chats,
        });

    /// <summary>Ends a token now; false when it is unknown.</summary>
    public bool Expire(string value)
    {
        if (!_tokens.TryGetValue(value, out var token)) return false;
        token.ExpiresAt = _time.GetUtcNow();
        return true;
    }

    /// <summary>The token in an <c>Authorization</c> header.</summary>
    /// <exception cref="CozeException">4100: absent, malformed or unknown. 700012006: expired.</exception>
    public CozeToken Authenticate(string? authorization)
    {
        if (Bearer(authorization) is not { } value || !_tokens.TryGetValue(value, out var token)) throw new CozeException(CozeErrors.Unauthenticated);
        if (token.ExpiresAt <= _time.GetUtcNow()) throw new CozeException(CozeErrors.TokenExpired);
        return token;
    }

    /// <summary>What follows <c>Bearer</c>, or null.</summary>
    public static string? Bearer(string? authorization) =>
        authorization is not null && authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? authorization[7..].Trim() : null;

    private CozeToken Add(CozeToken token) => _tokens[token.Value] = token;
}
