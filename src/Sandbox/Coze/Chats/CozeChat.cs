namespace CozeCluster.Sandbox.Coze;

/// <summary>The status of a chat.</summary>
public enum CozeChatStatus
{
    /// <summary>The reply is being produced.</summary>
    InProgress,

    /// <summary>The chat waits for tool outputs.</summary>
    RequiresAction,

    /// <summary>The reply is complete.</summary>
    Completed,

    /// <summary>The chat ended with an error.</summary>
    Failed,

    /// <summary>The client canceled the chat.</summary>
    Canceled,
}

/// <summary>One chat, as the fake Coze records it. Its values change while the chat runs.</summary>
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

    /// <summary>The number of the chat since the start or the last reset, from 1.</summary>
    public long Sequence { get; internal set; }

    /// <summary>The chat id.</summary>
    public required string Id { get; init; }

    /// <summary>The conversation of the chat.</summary>
    public required string ConversationId { get; init; }

    /// <summary>The bot of the chat.</summary>
    public required string BotId { get; init; }

    /// <summary><c>user_id</c> of the request.</summary>
    public required string UserId { get; init; }

    /// <summary>The access token of the request.</summary>
    public required string Token { get; init; }

    /// <summary>Whether the request asked for a stream.</summary>
    public required bool Stream { get; init; }

    /// <summary><c>auto_save_history</c> of the request.</summary>
    public required bool AutoSaveHistory { get; init; }

    /// <summary><c>meta_data</c> of the request.</summary>
    public required IReadOnlyDictionary<string, string> MetaData { get; init; }

    /// <summary>The last text of the user, without directives.</summary>
    public string Prompt { get; }

    /// <summary>The messages of the request: role, content type and content.</summary>
    public IReadOnlyList<(string Role, string ContentType, string Content)> RequestMessages =>
        [.. Request.Select(m => (m.Role, m.ContentType, m.Content))];

    /// <summary>The current status.</summary>
    public CozeChatStatus Status { get; private set; } = CozeChatStatus.InProgress;

    /// <summary>True while no other chat can start in the conversation.</summary>
    public bool IsRunning => Status is CozeChatStatus.InProgress or CozeChatStatus.RequiresAction;

    /// <summary>True when the client has canceled the chat.</summary>
    public bool Canceled => Status == CozeChatStatus.Canceled;

    /// <summary>True when the client of a stream has disconnected before the end.</summary>
    public bool ClientGone { get; private set; }

    /// <summary>True when nothing more is produced.</summary>
    public bool Ended => !IsRunning && !IsProducing;

    /// <summary>True while the reply is being produced.</summary>
    public bool IsProducing { get; private set; }

    /// <summary>How many answer deltas were produced, sent or not. Coze bills them all.</summary>
    public int DeltasProduced => Volatile.Read(ref _deltasProduced);

    /// <summary>How many answer deltas were sent to a client.</summary>
    public int DeltasSent => Volatile.Read(ref _deltasSent);

    /// <summary>How many answer deltas were produced after the cancel: the cost of a cancel without a disconnect.</summary>
    public int DeltasAfterCancel => Volatile.Read(ref _deltasAfterCancel);

    /// <summary>The full texts of the finished answers, in order.</summary>
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
    internal ChatRunner? Runner { get; set; }

    /// <summary>The finished messages, in any status of the chat.</summary>
    internal IReadOnlyList<MessageObject> Messages
    {
        get { lock (_gate) return [.. _messages]; }
    }

    internal void CountDelta(bool sent)
    {
        Interlocked.Increment(ref _deltasProduced);
        if (sent) Interlocked.Increment(ref _deltasSent);
        if (Canceled) Interlocked.Increment(ref _deltasAfterCancel);
        _coze.NotifyChanged();
    }

    internal void Add(MessageObject message)
    {
        lock (_gate)
        {
            _messages.Add(message);
            if (message.Type == "answer") _answers.Add(message.Content);
        }
    }

    /// <summary>Ends a chat in progress. A canceled chat stays canceled.</summary>
    internal void Finish(CozeChatStatus status, DateTimeOffset now, ErrorObject? error = null) => Update(() =>
    {
        if (Status != CozeChatStatus.InProgress) return false;
        // Before the status changes, so that the conversation of a completed chat always has the answers.
        if (status == CozeChatStatus.Completed) _coze.SaveAnswers(this);
        Status = status;
        EndedAt = now;
        LastError = error;
        return true;
    });

    /// <summary>Lets the chat wait for tool outputs, unless it was canceled meanwhile.</summary>
    internal void RequireAction(RequiredAction action) => Update(() =>
    {
        if (Status != CozeChatStatus.InProgress) return false;
        Status = CozeChatStatus.RequiresAction;
        RequiredAction = action;
        return true;
    });

    /// <summary>Continues with tool outputs. False: the chat does not wait for any.</summary>
    internal bool TryResume() => Update(() =>
    {
        if (Status != CozeChatStatus.RequiresAction) return false;
        Status = CozeChatStatus.InProgress;
        RequiredAction = null;
        return true;
    });

    /// <summary>Sets the status to canceled. False: the chat has ended.</summary>
    internal bool TryCancel(DateTimeOffset now)
    {
        var canceled = Update(() =>
        {
            if (!IsRunning) return false;
            Status = CozeChatStatus.Canceled;
            EndedAt = now;
            RequiredAction = null;
            return true;
        });
        if (canceled && Ended) _coze.OnEnded(this);
        return canceled;
    }

    internal void SetClientGone() => Update(() => ClientGone = true);

    internal void SetProducing(bool producing)
    {
        Update(() =>
        {
            IsProducing = producing;
            return true;
        });
        if (Ended) _coze.OnEnded(this);
    }

    internal ChatObject ToObject() => new()
    {
        Id = Id,
        ConversationId = ConversationId,
        BotId = BotId,
        SectionId = SectionId,
        CreatedAt = CreatedAt.ToUnixTimeSeconds(),
        CompletedAt = Status == CozeChatStatus.Completed ? EndedAt?.ToUnixTimeSeconds() : null,
        FailedAt = Status == CozeChatStatus.Failed ? EndedAt?.ToUnixTimeSeconds() : null,
        MetaData = MetaData,
        LastError = LastError ?? (Script.Format.LastErrorNull ? null : new ErrorObject(0, "")),
        Status = Status.ToApiName(),
        RequiredAction = RequiredAction,
        Usage = Status is CozeChatStatus.Completed or CozeChatStatus.Canceled ? Usage : null,
    };

    /// <summary>Runs an update under the lock. It returns whether it changed anything; waiting callers are woken only then.</summary>
    private bool Update(Func<bool> update)
    {
        bool changed;
        lock (_gate) changed = update();
        if (changed) _coze.NotifyChanged();
        return changed;
    }
}

internal static class CozeChatStatusExtensions
{
    /// <summary>The name of the status in the API.</summary>
    public static string ToApiName(this CozeChatStatus status) => status switch
    {
        CozeChatStatus.InProgress => "in_progress",
        CozeChatStatus.RequiresAction => "requires_action",
        CozeChatStatus.Completed => "completed",
        CozeChatStatus.Failed => "failed",
        _ => "canceled",
    };
}
