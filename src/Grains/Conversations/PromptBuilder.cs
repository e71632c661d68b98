namespace CozeCluster.Grains;

/// <summary>Decides what a turn sends to the upstream: the whole history, only what is new, or results of tool calls.</summary>
internal static class PromptBuilder
{
    /// <summary>Builds the upstream's turn for a request.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.InvalidRequest"/>: the request contains a result for a tool call that is not waiting for one.
    /// </exception>
    public static UpstreamTurn Build(TurnRequest request, ConversationState state, Lease lease)
    {
        var turn = new UpstreamTurn(request.TurnId, lease.Bot, lease.Account, GetUser(request), request.Messages)
        {
            TenantId = request.TenantId,
            Variables = request.Variables,
            Metadata = request.Metadata,
        };
        if (request.ToolOutputs.Count > 0) return AddToolOutputs(turn, request, state);
        if (state.UpstreamConversation is { } conversation && BelongsTo(conversation, lease))
        {
            return turn with { Conversation = conversation.Ids, Messages = SelectNewMessages(request.Messages, state.InstructionsHash) };
        }
        return turn with { Messages = AddHistory(request, state) };
    }

    /// <summary>A hash of the instructions of a request; null if it has none.</summary>
    public static string? HashInstructions(IReadOnlyList<ChatMessage> messages)
    {
        var instructions = messages.Where(IsInstruction).Select(message => message.Text).ToArray();
        return instructions.Length == 0 ? null : GrainKeys.Hash(instructions);
    }

    /// <summary>The id of the turn whose tool calls a request answers; null if it answers none.</summary>
    public static string? FindAnsweredTurn(TurnRequest request) =>
        request.ToolOutputs is [var first, ..] && ToolCallIds.TryParse(first.CallId, out var turnId, out _) ? turnId : null;

    /// <summary>The conversation at the upstream that a request continues; null if there is none.</summary>
    public static UpstreamHandle? FindUpstreamConversation(TurnRequest request, ConversationState state) =>
        FindAnsweredTurn(request) is { } answered ? state.Turns.Find(known => known.TurnId == answered)?.Handle : state.UpstreamConversation;

    /// <summary>Whether a lease is for the bot and the account of an upstream's conversation.</summary>
    public static bool BelongsTo(UpstreamHandle conversation, Lease lease) => conversation.BotId == lease.Bot.Id && conversation.AccountId == lease.Account.Id;

    /// <summary>The user as the upstream knows it. Two tenants that share a bot must not share memories, even if their users have the same names.</summary>
    private static string GetUser(TurnRequest request) => request.User is null ? request.TenantId : $"{request.TenantId}:{request.User}";

    /// <summary>For an upstream that has the history: the messages since the bot's last answer, and the instructions if they have changed.</summary>
    private static List<ChatMessage> SelectNewMessages(IReadOnlyList<ChatMessage> messages, string? knownInstructions)
    {
        var areInstructionsKnown = HashInstructions(messages) == knownInstructions;
        var firstNew = messages.Count;
        while (firstNew > 0 && messages[firstNew - 1].Role != ChatRole.Assistant) firstNew--;
        return [.. messages.Where((message, index) => IsInstruction(message) ? !areInstructionsKnown : index >= firstNew)];
    }

    /// <summary>For an upstream without the history: all messages of the request. If they contain no earlier answers, the stored history is inserted.</summary>
    private static IReadOnlyList<ChatMessage> AddHistory(TurnRequest request, ConversationState state)
    {
        if (request.Messages.Any(message => message.Role == ChatRole.Assistant)) return request.Messages;
        var history = new List<ChatMessage>();
        foreach (var turn in state.Turns)
        {
            if (turn.Status != TurnStatus.Completed || turn.Request is null || turn.TurnId == request.TurnId) continue;
            history.AddRange(SelectNewMessages(turn.Request.Messages, null).Where(message => !IsInstruction(message)));
            var reply = string.Join("\n\n", turn.Parts.OfType<TextPart>().Select(part => part.Text));
            if (reply.Length > 0) history.Add(new ChatMessage(ChatRole.Assistant, [new TextContent(reply)]));
        }
        if (history.Count == 0) return request.Messages;
        return [.. request.Messages.Where(IsInstruction), .. history, .. request.Messages.Where(message => !IsInstruction(message))];
    }

    private static bool IsInstruction(ChatMessage message) => message.Role == ChatRole.System;

    private static UpstreamTurn AddToolOutputs(UpstreamTurn turn, TurnRequest request, ConversationState state)
    {
        var outputs = new List<ToolOutput>();
        TurnRecord? answered = null;
        foreach (var output in request.ToolOutputs)
        {
            answered = ToolCallIds.TryParse(output.CallId, out var turnId, out _) ? state.Turns.Find(known => known.TurnId == turnId) : null;
            var call = answered is null ? null : FindCall(answered, output.CallId);
            if (call is null) throw new ClusterException(ErrorCode.InvalidRequest, $"No tool call '{output.CallId}' is waiting for a result.", "messages");
            outputs.Add(new ToolOutput(call.Id, output.Output));
        }
        return turn with { Messages = [], ToolOutputs = outputs, Conversation = answered!.Handle!.Ids };
    }

    private static ToolCallItem? FindCall(TurnRecord turn, string callId)
    {
        if (turn.Handle is null || !ToolCallIds.TryParse(callId, out _, out var number)) return null;
        return turn.Parts.OfType<ItemPart>().Select(part => part.Item).OfType<ToolCallItem>().Where(call => call.ForClient).ElementAtOrDefault(number);
    }
}
