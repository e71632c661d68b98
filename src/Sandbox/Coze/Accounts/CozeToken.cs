namespace CozeCluster.Sandbox.Coze.Accounts;

/// <summary>A bearer token the fake accepts.</summary>
internal sealed class CozeToken(string value, string account, IReadOnlySet<string> permissions)
{
    private int _chatsLeft = -1;

    public string Value { get; } = value;

    /// <summary>Whose token it is. Conversations and files belong to an account; others do not see them.</summary>
    public string Account { get; } = account;

    public IReadOnlySet<string> Permissions { get; } = permissions;

    /// <summary>When it stops working; null is never.</summary>
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary>How many chats it may still start; null is any number.</summary>
    public int? ChatsLeft
    {
        get => Volatile.Read(ref _chatsLeft) is var left and >= 0 ? left : null;
        init => _chatsLeft = value ?? -1;
    }

    /// <summary>Takes one chat off the allowance; false when none is left.</summary>
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

/// <summary>The permissions a Coze token can carry.</summary>
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
