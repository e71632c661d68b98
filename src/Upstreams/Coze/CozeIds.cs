namespace CozeCluster.Upstreams.Coze;

/// <summary>The ids by which a chat is known: Coze's own, by Coze's names, as handles and origins hold them; and two for chats that go on after tool outputs.</summary>
internal sealed class CozeIds
{
    public const string Conversation = "conversation_id";

    public const string Chat = "chat_id";

    public const string Bot = "bot_id";

    public const string Log = "logid";

    /// <summary>The calls whose outputs were submitted to begin this turn, by commas: a chat that still asks for them has not taken them in yet.</summary>
    public const string Submitted = "submitted_tool_calls";

    /// <summary>The first message after tool outputs: what the chat's list holds before it belongs to an earlier turn.</summary>
    public const string FirstMessage = "first_message_id";

    private readonly UpstreamTurn _turn;
    private readonly Dictionary<string, string> _ids;
    private bool _isTold;

    /// <summary>The ids of a turn that has been sent.</summary>
    public CozeIds(UpstreamTurn turn, string? logId)
    {
        _turn = turn;
        _ids = [];
        Learn(Conversation, turn.Conversation.GetValueOrDefault(Conversation));
        Learn(Log, logId);
        if (turn.ToolOutputs.Count == 0) return;
        Learn(Chat, turn.Conversation.GetValueOrDefault(Chat));
        Learn(Submitted, string.Join(',', turn.ToolOutputs.Select(output => output.CallId)));
        LacksFirstMessage = true;
    }

    /// <summary>The ids of a turn found again.</summary>
    public CozeIds(UpstreamTurn turn, UpstreamHandle handle)
    {
        _turn = turn;
        _ids = new Dictionary<string, string>(handle.Ids);
    }

    /// <summary>The id, or null.</summary>
    public string? this[string name] => _ids.GetValueOrDefault(name);

    /// <summary>Whether <see cref="FirstMessage"/> is still to be learned.</summary>
    public bool LacksFirstMessage { get; private set; }

    /// <summary>Notes an id, if there is one.</summary>
    public void Learn(string name, string? id)
    {
        if (string.IsNullOrEmpty(id)) return;
        if (name == FirstMessage) LacksFirstMessage = false;
        if (this[name] == id) return;
        _ids[name] = id;
        _isTold = false;
    }

    /// <summary>Tells the ids if they are enough to find the chat by, and say something new.</summary>
    public void Tell(IReplySink sink)
    {
        if (_isTold || this[Conversation] is null || this[Chat] is null) return;
        _isTold = true;
        sink.Identify(new UpstreamHandle(_turn.Bot.Id, _turn.Account.Id, CozeUpstream.UpstreamName, new Dictionary<string, string>(_ids)));
    }
}
