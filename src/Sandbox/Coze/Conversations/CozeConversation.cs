using CozeCluster.Sandbox.Coze.Chats;
using CozeCluster.Sandbox.Coze.Wire;

namespace CozeCluster.Sandbox.Coze.Conversations;

/// <summary>A conversation: its messages in order, its sections, and at most one running chat.</summary>
internal sealed class CozeConversation(string id, string account, string? botId, string sectionId, DateTimeOffset createdAt)
{
    private readonly Lock _gate = new();
    private readonly List<MessageObject> _messages = [];
    private CozeChat? _last;

    public string Id { get; } = id;
    public string Account { get; } = account;
    public string? BotId { get; } = botId;
    public string? Name { get; set; }
    public string SectionId { get; private set; } = sectionId;
    public DateTimeOffset CreatedAt { get; } = createdAt;
    public DateTimeOffset UpdatedAt { get; private set; } = createdAt;
    public IReadOnlyDictionary<string, string> MetaData { get; init; } = new Dictionary<string, string>();

    /// <summary>True for one that a chat without <c>conversation_id</c> made; it is forgotten together with that chat.</summary>
    public bool Implicit { get; init; }

    /// <summary>The messages so far, oldest first.</summary>
    public IReadOnlyList<MessageObject> Messages
    {
        get { lock (_gate) return [.. _messages]; }
    }

    /// <summary>True while a chat runs in it.</summary>
    public bool IsBusy
    {
        get { lock (_gate) return _last is { IsRunning: true }; }
    }

    /// <summary>Makes <paramref name="chat"/> the running one; false when another still runs.</summary>
    public bool TryEnter(CozeChat chat)
    {
        lock (_gate)
        {
            if (_last is { IsRunning: true }) return false;
            _last = chat;
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
            var at = _messages.FindIndex(m => m.Id == messageId);
            return at < 0 ? null : _messages[at] = change(_messages[at]);
        }
    }

    public MessageObject? Remove(string messageId)
    {
        lock (_gate)
        {
            var at = _messages.FindIndex(m => m.Id == messageId);
            if (at < 0) return null;
            var gone = _messages[at];
            _messages.RemoveAt(at);
            return gone;
        }
    }

    /// <summary>Starts a new section: what was said before no longer counts as context.</summary>
    public void Clear(string newSectionId) => SectionId = newSectionId;

    public ConversationObject ToWire() => new(
        Id, Name, CreatedAt.ToUnixTimeSeconds(), UpdatedAt.ToUnixTimeSeconds(), MetaData, SectionId, BotId);
}
