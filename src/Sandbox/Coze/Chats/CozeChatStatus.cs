namespace CozeCluster.Sandbox.Coze.Chats;

/// <summary>Where a chat stands.</summary>
public enum CozeChatStatus
{
    /// <summary>Being produced.</summary>
    InProgress,

    /// <summary>Waiting for tool outputs.</summary>
    RequiresAction,

    /// <summary>Done in full.</summary>
    Completed,

    /// <summary>Ended with an error.</summary>
    Failed,

    /// <summary>Canceled by the client.</summary>
    Canceled,
}

internal static class CozeChatStatusNames
{
    public static string ToWire(this CozeChatStatus status) => status switch
    {
        CozeChatStatus.InProgress => "in_progress",
        CozeChatStatus.RequiresAction => "requires_action",
        CozeChatStatus.Completed => "completed",
        CozeChatStatus.Failed => "failed",
        _ => "canceled",
    };
}
