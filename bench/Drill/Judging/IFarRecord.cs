namespace CozeCluster.Drill;

/// <summary>Asks a fake what it was asked, and what it said.</summary>
internal interface IFarRecord : IDisposable
{
    /// <summary>The chats of a drill, by the number of their reply.</summary>
    Task<ILookup<int, FarChat>> ChatsAsync(CancellationToken cancellationToken);

    /// <summary>What a completed chat said.</summary>
    Task<FarReply> ReplyAsync(string conversationId, string chatId, CancellationToken cancellationToken);

    /// <summary>What a chat with that prompt says, by asking for one.</summary>
    /// <exception cref="NotSupportedException">Of this fake no reply is cancelled, so that nobody needs to know.</exception>
    Task<FarReply> AskAsync(string prompt, CancellationToken cancellationToken);
}
