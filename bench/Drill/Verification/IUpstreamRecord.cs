using System.Text.Json;

namespace CozeCluster.Drill;

/// <summary>Reads from a fake upstream which prompts it received and what its bots said.</summary>
internal interface IUpstreamRecord : IDisposable
{
    /// <summary>The chats of a drill, by the number of their reply.</summary>
    Task<ILookup<int, UpstreamChat>> GetChatsAsync(CancellationToken cancellationToken);

    /// <summary>What the bot said in a completed chat.</summary>
    Task<UpstreamReply> GetReplyAsync(UpstreamChat chat, CancellationToken cancellationToken);

    /// <summary>What the bot says to a prompt. Sends the prompt.</summary>
    /// <exception cref="NotSupportedException">Drills on this upstream cancel no reply, so they do not need this.</exception>
    Task<UpstreamReply> SendAsync(string prompt, CancellationToken cancellationToken);
}

/// <summary>A chat at a fake upstream: a chat of the fake Coze, or a prompt at the fake Discord with the bot's reply.</summary>
/// <param name="Id">The id of the chat, or of the prompt's message.</param>
/// <param name="ConversationId">The conversation or the channel.</param>
/// <param name="Status">The status, in Coze's words.</param>
/// <param name="DeltasAfterCancel">How many deltas the bot produced after the chat was cancelled.</param>
/// <param name="EndedAt">When the chat ended; null while it runs.</param>
/// <param name="HasVisibleEnd">Whether the upstream reports the end. Otherwise it is recognized by silence.</param>
internal sealed record UpstreamChat(
    string Id, string ConversationId, string Status, int DeltasAfterCancel, DateTimeOffset? EndedAt, bool HasVisibleEnd = true)
{
    public bool IsRunning => Status is "created" or "in_progress";
}

/// <summary>Everything that a bot said in a chat.</summary>
/// <param name="Text">The answers, separated by blank lines.</param>
/// <param name="Reasoning">The reasoning.</param>
/// <param name="FollowUps">The suggestions.</param>
/// <param name="Events">Type and id of each event, such as a tool call, as the API reports it.</param>
internal sealed record UpstreamReply(string Text, string Reasoning, IReadOnlyList<string> FollowUps, IReadOnlyList<string> Events)
{
    /// <summary>Reads the message list of a chat of the fake Coze.</summary>
    public static UpstreamReply FromMessages(JsonElement messages)
    {
        var all = messages.EnumerateArray().ToList();
        var answers = all.Where(message => Type(message) == "answer").ToList();
        return new UpstreamReply(
            string.Join("\n\n", answers.Select(answer => answer.GetProperty("content").GetString())),
            string.Concat(answers.Select(answer => answer.TryGetProperty("reasoning_content", out var text) ? text.GetString() : null)),
            [.. all.Where(message => Type(message) == "follow_up").Select(message => message.GetProperty("content").GetString()!)],
            [.. all.Select(EventOf).OfType<string>()]);
    }

    private static string? EventOf(JsonElement message)
    {
        var type = Type(message) switch
        {
            "function_call" => "tool_call",
            "tool_response" => "tool_output",
            "verbose" when message.GetProperty("content").GetString()!.Contains("knowledge_recall", StringComparison.Ordinal) => "knowledge",
            _ => null,
        };
        return type is null ? null : $"{type} {message.GetProperty("id").GetString()}";
    }

    private static string? Type(JsonElement message) => message.GetProperty("type").GetString();
}
