namespace CozeCluster.Grains;

/// <summary>
/// Builds what a turn sends to a language model, which keeps no conversation: the whole history, with the results of tool calls as messages. A client that
/// sends answers sends the whole history itself; otherwise it comes from the storage.
/// </summary>
internal static class ModelPrompt
{
    /// <summary>Whether the client has sent the history.</summary>
    public static bool HasHistory(TurnRequest request) => request.Messages.Any(message => message.Role == ChatRole.Assistant);

    /// <summary>The ids of the turns that made the tool calls in the client's messages, each once, in the order of their last appearance.</summary>
    public static IReadOnlyList<string> FindAnsweredTurns(TurnRequest request)
    {
        var found = new List<string>();
        foreach (var message in request.Messages)
        {
            if (message.ToolCallId is not { } callId || !ToolCallIds.TryParse(callId, out var turnId, out _)) continue;
            found.Remove(turnId);
            found.Add(turnId);
        }
        return found;
    }

    /// <summary>Builds the upstream's turn.</summary>
    /// <param name="request">The request.</param>
    /// <param name="lease">The bot and the account.</param>
    /// <param name="history">The stored turns before it, oldest first; not used if <see cref="HasHistory"/>.</param>
    /// <param name="ids">The upstream's ids of tool calls.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.InvalidRequest"/>: the request contains a result for a tool call that is not in the history.
    /// </exception>
    public static UpstreamTurn Build(TurnRequest request, Lease lease, IReadOnlyList<PastTurn> history, UpstreamCallIds ids)
    {
        var turn = PromptBuilder.CreateTurn(request, lease);
        return HasHistory(request)
            ? turn with { Messages = [.. request.Messages.Select(ids.Translate)] }
            : turn with
            {
                Messages = AddHistory(request, history, ids),
                NewMessages = request.Messages.Count(message => !PromptBuilder.IsInstruction(message)),
            };
    }

    private static List<ChatMessage> AddHistory(TurnRequest request, IReadOnlyList<PastTurn> history, UpstreamCallIds ids)
    {
        var messages = new List<ChatMessage>();
        var instructions = request.Messages.Where(PromptBuilder.IsInstruction).ToList();
        // A client sends its instructions once, or always.
        if (instructions.Count == 0)
        {
            var last = history.LastOrDefault(past => past.Prompt.Any(PromptBuilder.IsInstruction));
            instructions.AddRange(last?.Prompt.Where(PromptBuilder.IsInstruction) ?? []);
        }
        foreach (var past in history)
        {
            messages.AddRange(past.Prompt.Where(message => !PromptBuilder.IsInstruction(message)).Select(ids.Translate));
            if (past.Reply.Length == 0 && past.Calls.Count == 0) continue;
            messages.Add(new ChatMessage(ChatRole.Assistant, past.Reply.Length > 0 ? [new TextContent(past.Reply)] : [])
            {
                ToolCalls = [.. past.Calls.Select((call, number) => new ToolCall(ids.Find(ToolCallIds.Of(past.TurnId, number)), call.Name, call.Arguments))],
                Reasoning = past.Reasoning.Length > 0 ? past.Reasoning : null,
            });
        }
        var firstNew = messages.Count;
        messages.AddRange(request.Messages.Where(message => !PromptBuilder.IsInstruction(message)).Select(ids.Translate));
        return [.. instructions, .. MatchResults(messages, firstNew)];
    }

    /// <summary>
    /// Language models refuse a history in which a call has no result, or a result no call. A user who asks something else leaves such calls behind.
    /// </summary>
    private static IEnumerable<ChatMessage> MatchResults(List<ChatMessage> messages, int firstNew)
    {
        var open = new HashSet<string>();
        for (var i = 0; i < messages.Count; i++)
        {
            var message = messages[i];
            switch (message.Role)
            {
                case ChatRole.Assistant:
                    var results = messages.Skip(i + 1).TakeWhile(next => next.Role == ChatRole.Tool).Select(next => next.ToolCallId).ToHashSet();
                    ToolCall[] answered = [.. message.ToolCalls.Where(call => results.Contains(call.Id))];
                    open = [.. answered.Select(call => call.Id)];
                    if (answered.Length == 0 && message.Content.Count == 0) continue;
                    yield return message with { ToolCalls = answered };
                    break;
                case ChatRole.Tool when message.ToolCallId is { } callId && !open.Remove(callId):
                    if (i >= firstNew)
                    {
                        throw new ClusterException(
                            ErrorCode.InvalidRequest,
                            "'messages' contains a tool result without its call. Send the whole exchange: the assistant message with its 'tool_calls', "
                            + "then the results.", "messages");
                    }
                    break;
                default:
                    yield return message;
                    break;
            }
        }
    }
}

/// <summary>
/// What an upstream has to get back with tool calls, by the ids that clients know: its own ids, and the reasoning before the calls, which many clients drop.
/// Calls of other upstreams, and calls that are not stored any more, get ids of 29 characters, which every upstream accepts.
/// </summary>
/// <param name="upstream">The upstream that receives the ids.</param>
internal sealed class UpstreamCallIds(string upstream)
{
    private readonly Dictionary<string, (string Id, string? Reasoning)> _known = [];

    /// <summary>Adds the calls of one turn.</summary>
    /// <param name="turnId">The turn.</param>
    /// <param name="madeBy">The upstream that made the calls; null if it is not known.</param>
    /// <param name="calls">The calls for the client, in the order of the reply.</param>
    /// <param name="reasoning">The reasoning of the reply; empty without any.</param>
    public void Add(string turnId, string? madeBy, IEnumerable<ToolCallItem> calls, string reasoning = "")
    {
        if (madeBy != upstream) return;
        var number = 0;
        foreach (var call in calls) _known[ToolCallIds.Of(turnId, number++)] = (call.Id, reasoning.Length > 0 ? reasoning : null);
    }

    /// <summary>The upstream's id of a call.</summary>
    public string Find(string callId)
    {
        if (_known.TryGetValue(callId, out var known)) return known.Id;
        return ToolCallIds.TryParse(callId, out _, out _) ? $"call_{GrainKeys.Hash(callId)[..24]}" : callId;
    }

    /// <summary>A message with the upstream's ids, and with the reasoning before its calls.</summary>
    public ChatMessage Translate(ChatMessage message)
    {
        if (message.ToolCallId is null && message.ToolCalls.Count == 0) return message;
        return message with
        {
            ToolCallId = message.ToolCallId is { } id ? Find(id) : null,
            ToolCalls = [.. message.ToolCalls.Select(call => call with { Id = Find(call.Id) })],
            Reasoning = message.Reasoning ?? message.ToolCalls.Select(call => _known.GetValueOrDefault(call.Id).Reasoning).FirstOrDefault(),
        };
    }
}
