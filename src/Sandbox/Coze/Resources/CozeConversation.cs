namespace CozeCluster.Sandbox.Coze;

/// <summary>A conversation: its messages in order, its current section, and at most one running chat.</summary>
internal sealed class CozeConversation(string id, string account, string? botId, string sectionId, DateTimeOffset createdAt)
{
    private readonly Lock _gate = new();
    private readonly List<MessageObject> _messages = [];
    private CozeChat? _lastChat;

    public string Id { get; } = id;
    public string Account { get; } = account;
    public string? BotId { get; } = botId;
    public string? Name { get; set; }
    public string SectionId { get; private set; } = sectionId;
    public DateTimeOffset CreatedAt { get; } = createdAt;
    public DateTimeOffset UpdatedAt { get; private set; } = createdAt;
    public IReadOnlyDictionary<string, string> MetaData { get; init; } = new Dictionary<string, string>();

    /// <summary>True when a chat without <c>conversation_id</c> created it. It is removed together with that chat.</summary>
    public bool IsImplicit { get; init; }

    /// <summary>The messages, oldest first.</summary>
    public IReadOnlyList<MessageObject> Messages
    {
        get { lock (_gate) return [.. _messages]; }
    }

    /// <summary>True while a chat runs in the conversation.</summary>
    public bool IsBusy
    {
        get { lock (_gate) return _lastChat is { IsRunning: true }; }
    }

    /// <summary>Makes <paramref name="chat"/> the running chat. False: another chat is running.</summary>
    public bool TryStart(CozeChat chat)
    {
        lock (_gate)
        {
            if (_lastChat is { IsRunning: true }) return false;
            _lastChat = chat;
            return true;
        }
    }

    public void Add(IEnumerable<MessageObject> messages, DateTimeOffset now)
    {
        lock (_gate)
        {
            _messages.AddRange(messages);
            UpdatedAt = now;
        }
    }

    public MessageObject? Find(string messageId)
    {
        lock (_gate) return _messages.Find(m => m.Id == messageId);
    }

    public MessageObject? Replace(string messageId, Func<MessageObject, MessageObject> change)
    {
        lock (_gate)
        {
            var index = _messages.FindIndex(m => m.Id == messageId);
            return index < 0 ? null : _messages[index] = change(_messages[index]);
        }
    }

    public MessageObject? Remove(string messageId)
    {
        lock (_gate)
        {
            var index = _messages.FindIndex(m => m.Id == messageId);
            if (index < 0) return null;
            var removed = _messages[index];
            _messages.RemoveAt(index);
            return removed;
        }
    }

    /// <summary>Starts a new section. Earlier messages are not part of its context.</summary>
    public void StartSection(string sectionId) => SectionId = sectionId;

    public ConversationObject ToObject() => new(
        Id, Name, CreatedAt.ToUnixTimeSeconds(), UpdatedAt.ToUnixTimeSeconds(), MetaData, SectionId, BotId);
}
