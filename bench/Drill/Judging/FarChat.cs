using System.Text.Json;

namespace CozeCluster.Drill;

/// <summary>A reply as its fake tells it: a chat of the fake Coze, or a prompt at the fake Discord with what the bot answered.</summary>
/// <param name="Id">Its id: of the chat, or of the prompt's message.</param>
/// <param name="ConversationId">Its conversation, or its channel.</param>
/// <param name="Status">Where it stands.</param>
/// <param name="DeltasAfterCancel">What was made after it was cancelled, for nobody.</param>
/// <param name="EndedAt">When it ended; null while it runs.</param>
/// <param name="TellsItsEnd">Whether its end is to be seen, or only the silence after it.</param>
internal sealed record FarChat(string Id, string ConversationId, string Status, int DeltasAfterCancel, DateTimeOffset? EndedAt, bool TellsItsEnd = true)
{
    public bool IsRunning => Status is "created" or "in_progress";
}

/// <summary>All that a chat said.</summary>
/// <param name="Text">The answers, a blank line between them.</param>
/// <param name="Reasoning">The reasoning.</param>
/// <param name="FollowUps">Suggestions.</param>
/// <param name="Events">Type and id of what it did on the way, in the API's words.</param>
internal sealed record FarReply(string Text, string Reasoning, IReadOnlyList<string> FollowUps, IReadOnlyList<string> Events)
{
    /// <summary>Of the message list of a chat of the fake Coze.</summary>
    public static FarReply Of(JsonElement messages)
    {
        var all = messages.EnumerateArray().ToList();
        var answers = all.Where(message => Type(message) == "answer").ToList();
        return new FarReply(
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
