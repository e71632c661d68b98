namespace CozeCluster.Upstreams.Coze;

/// <summary>
/// The ids by which a chat is found again. Handles and origins store them under the names below: the names of Coze, and two names of this upstream for chats
/// that continue after tool outputs.
/// </summary>
internal sealed class CozeIds
{
    public const string Conversation = "conversation_id";

    public const string Chat = "chat_id";

    public const string Bot = "bot_id";

    public const string Log = "logid";

    /// <summary>
    /// The ids of the tool calls whose outputs this turn submitted, separated by commas. While the chat still asks for them, Coze has not processed them yet.
    /// </summary>
    public const string Submitted = "submitted_tool_calls";

    /// <summary>The first message after the tool outputs. Messages before it in the chat's message list belong to an earlier turn.</summary>
    public const string FirstMessage = "first_message_id";

    private readonly UpstreamTurn _turn;
    private readonly Dictionary<string, string> _ids;
    private bool _isReported;

    /// <summary>Creates the ids of a turn that was just sent.</summary>
    public CozeIds(UpstreamTurn turn, string? logId)
    {
        _turn = turn;
        _ids = [];
        Set(Conversation, turn.Conversation.GetValueOrDefault(Conversation));
        Set(Log, logId);
        if (turn.ToolOutputs.Count == 0) return;
        Set(Chat, turn.Conversation.GetValueOrDefault(Chat));
        Set(Submitted, string.Join(',', turn.ToolOutputs.Select(output => output.CallId)));
        NeedsFirstMessage = true;
    }

    /// <summary>Restores the ids of a turn from its handle.</summary>
    public CozeIds(UpstreamTurn turn, UpstreamHandle handle)
    {
        _turn = turn;
        _ids = new Dictionary<string, string>(handle.Ids);
    }

    /// <summary>Gets an id; null if it is unknown.</summary>
    public string? this[string name] => _ids.GetValueOrDefault(name);

    /// <summary>Whether <see cref="FirstMessage"/> is required but not known yet.</summary>
    public bool NeedsFirstMessage { get; private set; }

    /// <summary>Reads the ids that identify a chat at Coze.</summary>
    /// <returns>False if one of them is missing.</returns>
    public static bool TryGetChat(IReadOnlyDictionary<string, string> ids, out string conversationId, out string chatId)
    {
        conversationId = ids.GetValueOrDefault(Conversation, "");
        chatId = ids.GetValueOrDefault(Chat, "");
        return conversationId.Length > 0 && chatId.Length > 0;
    }

    /// <summary>Sets an id. Ignores null and empty values.</summary>
    public void Set(string name, string? id)
    {
        if (string.IsNullOrEmpty(id)) return;
        if (name == FirstMessage) NeedsFirstMessage = false;
        if (this[name] == id) return;
        _ids[name] = id;
        _isReported = false;
    }

    /// <summary>Reports the ids to the reply log if they identify the chat and have changed since the last report.</summary>
    public void Report(IReplySink sink)
    {
        if (_isReported || this[Conversation] is null || this[Chat] is null) return;
        _isReported = true;
        sink.Identify(new UpstreamHandle(_turn.Bot.Id, _turn.Account.Id, CozeUpstream.UpstreamName, new Dictionary<string, string>(_ids)));
    }
}
