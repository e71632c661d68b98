namespace CozeCluster.Upstreams.Coze;

/// <summary>Where a chat stands.</summary>
internal enum CozeChatStatus
{
    /// <summary><c>created</c>, <c>in_progress</c>, or a word not known.</summary>
    Running,

    /// <summary><c>completed</c>.</summary>
    Completed,

    /// <summary><c>requires_action</c>: waits for tool outputs.</summary>
    RequiresAction,

    /// <summary><c>failed</c>.</summary>
    Failed,

    /// <summary><c>canceled</c>.</summary>
    Canceled,
}

internal static class CozeChatStatuses
{
    /// <summary>From the words of the Chat object.</summary>
    public static CozeChatStatus Parse(string? text) => text switch
    {
        "completed" => CozeChatStatus.Completed,
        "requires_action" => CozeChatStatus.RequiresAction,
        "failed" => CozeChatStatus.Failed,
        "canceled" or "cancelled" => CozeChatStatus.Canceled,
        _ => CozeChatStatus.Running,
    };
}
