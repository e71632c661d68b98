using CozeCluster.Sandbox.Coze.Scripts;
using CozeCluster.Sandbox.Coze.Wire;

namespace CozeCluster.Sandbox.Coze.Chats;

/// <summary>One chat, as the fake's record tells it. Live: its values move while the chat runs.</summary>
public sealed class CozeChat
{
    private readonly Lock _gate = new();
    private readonly List<MessageObject> _messages = [];
    private readonly List<string> _answers = [];
    private readonly FakeCoze _coze;
    private int _deltasProduced;
    private int _deltasSent;
    private int _deltasAfterCancel;

    internal CozeChat(FakeCoze coze, ChatScript script, string prompt)
    {
        _coze = coze;
        Script = script;
        Prompt = prompt;
    }

    /// <summary>Number of the chat since the start or the last reset, from 1.</summary>
    public long Sequence { get; internal set; }

    /// <summary>The chat id.</summary>
    public required string Id { get; init; }

    /// <summary>The conversation it runs in.</summary>
    public required string ConversationId { get; init; }

    /// <summary>The bot it was sent to.</summary>
    public required string BotId { get; init; }

    /// <summary><c>user_id</c> of the request.</summary>
    public required string UserId { get; init; }

    /// <summary>The token it was sent with.</summary>
    public required string Token { get; init; }

    /// <summary>Whether the request asked for a stream.</summary>
    public required bool Stream { get; init; }

    /// <summary><c>auto_save_history</c> of the request.</summary>
    public required bool AutoSaveHistory { get; init; }

    /// <summary><c>meta_data</c> of the request.</summary>
    public required IReadOnlyDictionary<string, string> MetaData { get; init; }

    /// <summary>The last user text, directives taken out.</summary>
    public string Prompt { get; }

    /// <summary>The messages of the request: role, content type and content.</summary>
    public IReadOnlyList<(string Role, string ContentType, string Content)> RequestMessages =>
        [.. Request.Select(m => (m.Role, m.ContentType, m.Content))];

    /// <summary>Where the chat stands.</summary>
    public CozeChatStatus Status { get; private set; } = CozeChatStatus.InProgress;

    /// <summary>True while no other chat may start in the conversation.</summary>
    public bool IsRunning => Status is CozeChatStatus.InProgress or CozeChatStatus.RequiresAction;

    /// <summary>True once the client canceled it.</summary>
    public bool Canceled => Status == CozeChatStatus.Canceled;

    /// <summary>True once the client of a stream dropped its socket before the end.</summary>
    public bool ClientGone { get; private set; }

    /// <summary>True once nothing more is produced.</summary>
    public bool Ended => !IsRunning && !IsProducing;

    /// <summary>True while it is being produced.</summary>
    public bool IsProducing { get; private set; }

    /// <summary>Answer deltas made so far, sent or not; what is billed.</summary>
    public int DeltasProduced => Volatile.Read(ref _deltasProduced);

    /// <summary>Answer deltas written to a client.</summary>
    public int DeltasSent => Volatile.Read(ref _deltasSent);

    /// <summary>Answer deltas made after the cancel: the price of canceling without dropping the socket.</summary>
    public int DeltasAfterCancel => Volatile.Read(ref _deltasAfterCancel);

    /// <summary>Full texts of the answers that are finished, in order.</summary>
    public IReadOnlyList<string> Answers
    {
        get { lock (_gate) return [.. _answers]; }
    }

    internal ChatScript Script { get; }
    internal string Account { get; init; } = "";
    internal string SectionId { get; init; } = "";
    internal IReadOnlyList<MessageObject> Request { get; init; } = [];
    internal DateTimeOffset CreatedAt { get; init; }
    internal DateTimeOffset? EndedAt { get; private set; }
    internal ErrorObject? LastError { get; private set; }
    internal RequiredAction? RequiredAction { get; private set; }
    internal UsageObject? Usage { get; set; }
    internal ChatRun? Run { get; set; }

    /// <summary>Messages finished so far, whatever the status.</summary>
    internal IReadOnlyList<MessageObject> Messages
    {
        get { lock (_gate) return [.. _messages]; }
    }

    internal void CountDelta(bool sent)
    {
        Interlocked.Increment(ref _deltasProduced);
        if (sent) Interlocked.Increment(ref _deltasSent);
        if (Canceled) Interlocked.Increment(ref _deltasAfterCancel);
        _coze.Changed();
    }

    internal void Add(MessageObject message)
    {
        lock (_gate)
        {
            _messages.Add(message);
            if (message.Type == "answer") _answers.Add(message.Content);
        }
    }

    /// <summary>Ends a chat that is still in progress; a canceled one stays canceled.</summary>
    internal void Finish(CozeChatStatus status, DateTimeOffset now, ErrorObject? error = null) => Move(() =>
    {
        if (Status != CozeChatStatus.InProgress) return false;
        // Whoever sees the chat completed finds its answers in the conversation.
        if (status == CozeChatStatus.Completed) _coze.KeepAnswers(this);
        Status = status;
        EndedAt = now;
        LastError = error;
        return true;
    });

    /// <summary>Stops for tool outputs; false when it was canceled meanwhile.</summary>
    internal bool Require(RequiredAction action) => Move(() =>
    {
        if (Status != CozeChatStatus.InProgress) return false;
        Status = CozeChatStatus.RequiresAction;
        RequiredAction = action;
        return true;
    });

    /// <summary>Goes on with tool outputs; false when none are awaited.</summary>
    internal bool Resume() => Move(() =>
    {
        if (Status != CozeChatStatus.RequiresAction) return false;
        Status = CozeChatStatus.InProgress;
        RequiredAction = null;
        return true;
    });

    /// <summary>Flips the status; false when the chat is over.</summary>
    internal bool Cancel(DateTimeOffset now)
    {
        var canceled = Move(() =>
        {
            if (!IsRunning) return false;
            Status = CozeChatStatus.Canceled;
            EndedAt = now;
            RequiredAction = null;
            return true;
        });
        if (canceled && Ended) _coze.Ended(this);
        return canceled;
    }

    internal void MarkClientGone() => Move(() => ClientGone = true);

    internal void MarkProducing(bool producing)
    {
        Move(() =>
        {
            IsProducing = producing;
            return true;
        });
        if (Ended) _coze.Ended(this);
    }

    internal ChatObject ToWire() => new()
    {
        Id = Id,
        ConversationId = ConversationId,
        BotId = BotId,
        SectionId = SectionId,
        CreatedAt = CreatedAt.ToUnixTimeSeconds(),
        CompletedAt = Status == CozeChatStatus.Completed ? EndedAt?.ToUnixTimeSeconds() : null,
        FailedAt = Status == CozeChatStatus.Failed ? EndedAt?.ToUnixTimeSeconds() : null,
        MetaData = MetaData,
        LastError = LastError ?? (Script.Wire.LastErrorNull ? null : new ErrorObject(0, "")),
        Status = Status.ToWire(),
        RequiredAction = RequiredAction,
        Usage = Status is CozeChatStatus.Completed or CozeChatStatus.Canceled ? Usage : null,
    };

    private bool Move(Func<bool> step)
    {
        bool moved;
        lock (_gate) moved = step();
        if (moved) _coze.Changed();
        return moved;
    }
}
