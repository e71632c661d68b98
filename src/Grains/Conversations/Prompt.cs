namespace CozeCluster.Grains;

/// <summary>Decides what of a conversation the far side has to be sent.</summary>
internal static class Prompt
{
    /// <summary>The far side's turn for a request.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: results of tool calls that nobody waits for.</exception>
    public static UpstreamTurn For(TurnRequest request, ConversationState state, Lease lease)
    {
        var turn = new UpstreamTurn(request.TurnId, lease.Bot, lease.Account, User(request), request.Messages)
        {
            TenantId = request.TenantId,
            Variables = request.Variables,
            Metadata = request.Metadata,
        };
        if (request.ToolOutputs.Count > 0) return WithToolOutputs(turn, request, state);
        if (state.Home is { } home && LivesOn(home, lease))
        {
            return turn with { Conversation = home.Ids, Messages = NewMessages(request.Messages, state.InstructionsHash) };
        }
        return turn with { Messages = WithHistory(request, state) };
    }

    /// <summary>A hash of a request's instructions; null if it has none.</summary>
    public static string? InstructionsHash(IReadOnlyList<ChatMessage> messages)
    {
        var instructions = messages.Where(message => message.Role == ChatRole.System).Select(message => message.Text).ToArray();
        return instructions.Length == 0 ? null : GrainKeys.Hash(instructions);
    }

    /// <summary>The turn whose tool calls a request answers.</summary>
    public static string? AnsweredTurn(TurnRequest request) =>
        request.ToolOutputs is [var first, ..] && TryParseCallId(first.CallId, out var turnId, out _) ? turnId : null;

    /// <summary>Where the conversation lives at the far side, as far as a request is concerned.</summary>
    public static UpstreamHandle? Home(TurnRequest request, ConversationState state) =>
        AnsweredTurn(request) is { } answered ? state.Turns.Find(known => known.TurnId == answered)?.Handle : state.Home;

    /// <summary>Two tenants that share a bot must not share memories, even if their users have the same names.</summary>
    private static string User(TurnRequest request) => request.User is null ? request.TenantId : $"{request.TenantId}:{request.User}";

    /// <summary>Whether a lease leads to where the conversation lives.</summary>
    public static bool LivesOn(UpstreamHandle home, Lease lease) => home.BotId == lease.Bot.Id && home.AccountId == lease.Account.Id;

    /// <summary>The far side holds the history: it gets what the person said since the bot last spoke, and instructions only if they changed.</summary>
    private static List<ChatMessage> NewMessages(IReadOnlyList<ChatMessage> messages, string? knownInstructions)
    {
        var isKnown = InstructionsHash(messages) == knownInstructions;
        var since = messages.Count;
        while (since > 0 && messages[since - 1].Role != ChatRole.Assistant) since--;
        return [.. messages.Where((message, index) => message.Role == ChatRole.System ? !isKnown : index >= since)];
    }

    /// <summary>The far side knows nothing: it gets what the client sent, and where the client left the history to us, that before it.</summary>
    private static IReadOnlyList<ChatMessage> WithHistory(TurnRequest request, ConversationState state)
    {
        if (request.Messages.Any(message => message.Role == ChatRole.Assistant)) return request.Messages;
        var history = new List<ChatMessage>();
        foreach (var turn in state.Turns)
        {
            if (turn.Status != TurnStatus.Completed || turn.Request is null || turn.TurnId == request.TurnId) continue;
            history.AddRange(NewMessages(turn.Request.Messages, null).Where(message => message.Role != ChatRole.System));
            var reply = string.Join("\n\n", turn.Parts.OfType<TextPart>().Select(part => part.Text));
            if (reply.Length > 0) history.Add(new ChatMessage(ChatRole.Assistant, [new TextContent(reply)]));
        }
        if (history.Count == 0) return request.Messages;
        return [.. request.Messages.Where(IsInstruction), .. history, .. request.Messages.Where(message => !IsInstruction(message))];
    }

    private static bool IsInstruction(ChatMessage message) => message.Role == ChatRole.System;

    private static UpstreamTurn WithToolOutputs(UpstreamTurn turn, TurnRequest request, ConversationState state)
    {
        var outputs = new List<ToolOutput>();
        TurnRecord? asked = null;
        foreach (var output in request.ToolOutputs)
        {
            asked = TryParseCallId(output.CallId, out var turnId, out _) ? state.Turns.Find(known => known.TurnId == turnId) : null;
            var call = asked is null ? null : FindCall(asked, output.CallId);
            if (call is null) throw new ClusterException(ErrorCode.InvalidRequest, $"No tool call '{output.CallId}' waits for a result.", "messages");
            outputs.Add(new ToolOutput(call.Id, output.Output));
        }
        return turn with { Messages = [], ToolOutputs = outputs, Conversation = asked!.Handle!.Ids };
    }

    private static ToolCallItem? FindCall(TurnRecord turn, string callId)
    {
        if (turn.Handle is null || !TryParseCallId(callId, out _, out var number)) return null;
        return turn.Parts.OfType<ItemPart>().Select(part => part.Item).OfType<ToolCallItem>().Where(call => call.ForClient).ElementAtOrDefault(number);
    }

    /// <summary>Call ids are <c>call_</c>, the turn's id without its prefix, <c>_</c>, and the number of the call in the turn's reply.</summary>
    private static bool TryParseCallId(string callId, out string turnId, out int number)
    {
        turnId = "";
        number = 0;
        var last = callId.LastIndexOf('_');
        if (!callId.StartsWith("call_", StringComparison.Ordinal) || last < 5 || !int.TryParse(callId.AsSpan(last + 1), out number)) return false;
        turnId = string.Concat("turn_", callId.AsSpan(5, last - 5));
        return TurnId.TryGetConversation(turnId, out _);
    }
}
