namespace CozeCluster.Grains;

/// <summary>
/// Decides what a turn sends to a bot's upstream: the whole history, only what is new, or results of tool calls. For language models see
/// <see cref="ModelPrompt"/>.
/// </summary>
internal static class PromptBuilder
{
    /// <summary>Builds the upstream's turn for a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="memory">The conversation.</param>
    /// <param name="lease">The bot and the account.</param>
    /// <param name="answered">The turn whose tool calls the request answers; null if it answers none.</param>
    /// <param name="history">The earlier turns, if <see cref="NeedsHistory"/>; otherwise it is not used.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.InvalidRequest"/>: the request contains a result for a tool call that is not waiting for one.
    /// </exception>
    public static UpstreamTurn Build(
        TurnRequest request, ConversationMemory memory, Lease lease, AnsweredTurn? answered = null, IReadOnlyList<PastTurn>? history = null)
    {
        var turn = CreateTurn(request, lease);
        if (request.ToolOutputs.Count > 0) return AddToolOutputs(turn, request, answered);
        if (memory.UpstreamConversation is { } conversation && BelongsTo(conversation, lease))
        {
            return turn with { Conversation = conversation.Ids, Messages = SelectNewMessages(request.Messages, memory.InstructionsHash) };
        }
        return NeedsHistory(request, memory, lease) ? turn with { Messages = AddHistory(request, history ?? []) } : turn;
    }

    /// <summary>The upstream's turn with the messages of the request.</summary>
    public static UpstreamTurn CreateTurn(TurnRequest request, Lease lease) =>
        new(request.TurnId, lease.Bot, lease.Account, GetUser(request), request.Messages)
        {
            TenantId = request.TenantId,
            Settings = request.Settings,
            Variables = request.Variables,
            Metadata = request.Metadata,
            Channel = request.Channel,
        };

    /// <summary>
    /// Whether the stored history is inserted into what a request sends: the upstream does not have it, and the request itself contains no earlier answers.
    /// </summary>
    public static bool NeedsHistory(TurnRequest request, ConversationMemory memory, Lease lease) =>
        request.ToolOutputs.Count == 0
        && !(memory.UpstreamConversation is { } conversation && BelongsTo(conversation, lease))
        && request.Messages.All(message => message.Role != ChatRole.Assistant);

    /// <summary>A hash of the instructions of a request; null if it has none.</summary>
    public static string? HashInstructions(IReadOnlyList<ChatMessage> messages)
    {
        var instructions = messages.Where(IsInstruction).Select(message => message.Text).ToArray();
        return instructions.Length == 0 ? null : GrainKeys.Hash(instructions);
    }

    /// <summary>The id of the turn whose tool calls a request answers; null if it answers none.</summary>
    public static string? FindAnsweredTurn(TurnRequest request) =>
        request.ToolOutputs is [var first, ..] && ToolCallIds.TryParse(first.CallId, out var turnId, out _) ? turnId : null;

    /// <summary>Verifies that the answered turn has made all calls whose results a request contains.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: it has not made one of them.</exception>
    public static void VerifyToolOutputs(TurnRequest request, AnsweredTurn? answered)
    {
        foreach (var output in request.ToolOutputs) RequireCall(answered, output.CallId);
    }

    /// <summary>The conversation at the upstream that a request continues; null if there is none.</summary>
    public static UpstreamHandle? FindUpstreamConversation(TurnRequest request, ConversationMemory memory, AnsweredTurn? answered) =>
        FindAnsweredTurn(request) is null ? memory.UpstreamConversation : answered?.Handle;

    /// <summary>Whether a lease is for the bot and the account of an upstream's conversation.</summary>
    public static bool BelongsTo(UpstreamHandle conversation, Lease lease) => conversation.BotId == lease.Bot.Id && conversation.AccountId == lease.Account.Id;

    /// <summary>The messages since the bot's last answer, and the instructions if they have changed.</summary>
    public static List<ChatMessage> SelectNewMessages(IReadOnlyList<ChatMessage> messages, string? knownInstructions)
    {
        var areInstructionsKnown = HashInstructions(messages) == knownInstructions;
        var firstNew = messages.Count;
        while (firstNew > 0 && messages[firstNew - 1].Role != ChatRole.Assistant) firstNew--;
        return [.. messages.Where((message, index) => IsInstruction(message) ? !areInstructionsKnown : index >= firstNew)];
    }

    /// <summary>The user as the upstream knows it. Two tenants that share a bot must not share memories, even if their users have the same names.</summary>
    private static string GetUser(TurnRequest request) => request.User is null ? request.TenantId : $"{request.TenantId}:{request.User}";

    private static IReadOnlyList<ChatMessage> AddHistory(TurnRequest request, IReadOnlyList<PastTurn> turns)
    {
        var history = new List<ChatMessage>();
        foreach (var turn in turns)
        {
            history.AddRange(turn.Prompt.Where(message => !IsInstruction(message)));
            if (turn.Reply.Length > 0) history.Add(new ChatMessage(ChatRole.Assistant, [new TextContent(turn.Reply)]));
        }
        if (history.Count == 0) return request.Messages;
        // Instructions at the start apply to the whole conversation. Later ones stay where the client has put them.
        return [.. request.Messages.TakeWhile(IsInstruction), .. history, .. request.Messages.SkipWhile(IsInstruction)];
    }

    internal static bool IsInstruction(ChatMessage message) => message.Role == ChatRole.System;

    private static UpstreamTurn AddToolOutputs(UpstreamTurn turn, TurnRequest request, AnsweredTurn? answered)
    {
        var outputs = request.ToolOutputs.Select(output => new ToolOutput(RequireCall(answered, output.CallId).Id, output.Output)).ToList();
        return turn with { Messages = [], ToolOutputs = outputs, Conversation = answered!.Handle!.Ids };
    }

    private static ToolCallItem RequireCall(AnsweredTurn? turn, string callId) => FindCall(turn, callId)
        ?? throw new ClusterException(ErrorCode.InvalidRequest, $"No tool call '{callId}' is waiting for a result.", "messages");

    private static ToolCallItem? FindCall(AnsweredTurn? turn, string callId)
    {
        if (turn?.Handle is null || !ToolCallIds.TryParse(callId, out var turnId, out var number) || turnId != turn.TurnId) return null;
        return turn.Calls.ElementAtOrDefault(number);
    }
}
