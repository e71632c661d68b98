using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace CozeCluster.Sandbox.Coze;

/// <summary>The valid access tokens: a few fixed ones, and those created since the last reset.</summary>
internal sealed class TokenStore
{
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, CozeToken> _tokens = new(StringComparer.Ordinal);

    public TokenStore(TimeProvider time)
    {
        _time = time;
        Reset();
    }

    /// <summary>Removes created tokens and restores the fixed ones.</summary>
    public void Reset()
    {
        _tokens.Clear();
        Add(new CozeToken("pat_sandbox", "sandbox", CozePermissions.All));
        Add(new CozeToken("pat_sandbox_2", "sandbox-2", CozePermissions.All));
        Add(new CozeToken("pat_sandbox_chat_only", "sandbox", new HashSet<string>(StringComparer.Ordinal) { CozePermissions.Chat }));
        Add(new CozeToken("pat_sandbox_expired", "sandbox", CozePermissions.All) { ExpiresAt = DateTimeOffset.UnixEpoch });
    }

    /// <summary>Creates a token, which is valid at once. Null for lifetime or chats: no limit.</summary>
    public CozeToken Mint(string prefix, string account, IReadOnlySet<string> permissions, TimeSpan? lifetime, int? chats = null) => Add(
        new CozeToken(prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20)), account, permissions)
        {
            ExpiresAt = _time.GetUtcNow() + lifetime,
            ChatsLeft = chats,
        });

    /// <summary>Lets a token expire now. False: it is unknown.</summary>
    public bool Expire(string value)
    {
        if (!_tokens.TryGetValue(value, out var token)) return false;
        token.ExpiresAt = _time.GetUtcNow();
        return true;
    }

    /// <summary>The token in an <c>Authorization</c> header.</summary>
    /// <exception cref="CozeException">4100: missing, malformed or unknown. 700012006: expired.</exception>
    public CozeToken Authenticate(string? authorization)
    {
        if (GetBearer(authorization) is not { } value || !_tokens.TryGetValue(value, out var token))
            throw new CozeException(CozeErrorCodes.Unauthenticated);
        if (token.ExpiresAt <= _time.GetUtcNow()) throw new CozeException(CozeErrorCodes.TokenExpired);
        return token;
    }

    /// <summary>The text after <c>Bearer</c> in an <c>Authorization</c> header, or null.</summary>
    public static string? GetBearer(string? authorization) =>
        authorization is not null && authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? authorization[7..].Trim() : null;

    private CozeToken Add(CozeToken token) => _tokens[token.Value] = token;
}

/// <summary>An access token.</summary>
internal sealed class CozeToken(string value, string account, IReadOnlySet<string> permissions)
{
    private int _chatsLeft = -1;

    public string Value { get; } = value;

    /// <summary>The account of the token. Conversations and files are visible only to the account that they belong to.</summary>
    public string Account { get; } = account;

    public IReadOnlySet<string> Permissions { get; } = permissions;

    /// <summary>When the token expires. Null: never.</summary>
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary>How many more chats the token can start. Null: no limit.</summary>
    public int? ChatsLeft
    {
        get => Volatile.Read(ref _chatsLeft) is var left and >= 0 ? left : null;
        init => _chatsLeft = value ?? -1;
    }

    /// <summary>Uses one chat of the allowance. False: none is left.</summary>
    public bool TryTakeChat()
    {
        while (Volatile.Read(ref _chatsLeft) is var left and >= 0)
        {
            if (left == 0) return false;
            if (Interlocked.CompareExchange(ref _chatsLeft, left - 1, left) == left) return true;
        }
        return true;
    }
}

/// <summary>The permissions of Coze tokens.</summary>
internal static class CozePermissions
{
    public const string Chat = "chat";
    public const string GetChat = "getChat";
    public const string ListMessage = "listMessage";
    public const string CancelChat = "cancelChat";
    public const string SubmitToolChat = "submitToolChat";
    public const string CreateConversation = "createConversation";
    public const string Conversation = "conversation";
    public const string UploadFile = "uploadFile";
    public const string ListBot = "listBot";
    public const string GetPublishedBot = "getPublishedBot";

    public static IReadOnlySet<string> All { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        Chat, GetChat, ListMessage, CancelChat, SubmitToolChat, CreateConversation, Conversation, UploadFile, ListBot, GetPublishedBot,
    };
}
