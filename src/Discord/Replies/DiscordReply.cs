namespace CozeCluster.Discord;

/// <summary>What the exchange of a reply has to do next.</summary>
internal enum ReplyStep
{
    /// <summary>Write what is new into the reply log.</summary>
    Write,

    /// <summary>Wait for a change, or until the silence is long enough.</summary>
    Wait,

    /// <summary>Read the channel, because events may be missing.</summary>
    ReadChannel,

    /// <summary>Read the channel once more and decide whether the reply has ended, because the silence is long enough.</summary>
    DecideEnd,

    /// <summary>Nothing: everything was written, including the end.</summary>
    Complete,
}

/// <summary>
/// A reply, built from the events of its channel and from readings of the channel. It knows when the reply has ended, and afterwards notices if the reply
/// continues. Thread-safe.
/// </summary>
/// <param name="messages">The messages of the reply.</param>
/// <param name="pace">Decides how long a silence has to be.</param>
/// <param name="matchStatusText">Recognizes status texts.</param>
internal sealed class DiscordReply(ReplyMessages messages, ReplyPace pace, Func<string, CozeStatusText?> matchStatusText) : IDiscordObserver
{
    private readonly Lock _gate = new();
    private readonly ReplyWriter _writer = new(messages);
    // Events that arrived before the response to the post: a reply can be faster than that response.
    private List<DiscordEvent>? _early = [];
    private TaskCompletionSource _change = NewSignal();
    private bool _hasChange;
    private bool _needsReading;
    private bool _isEndWritten;
    private readonly TaskCompletionSource _cutOff = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isClosed;
    private Usage? _usage;

    /// <summary>How the reply ended; null while it has not ended.</summary>
    public ReplyOutcome? Outcome { get; private set; }

    /// <summary>
    /// The pauses of the reply, and how it ended; null if they are unknown, because it has not ended or some of it was found by reading. Changes if the reply
    /// continues after its supposed end.
    /// </summary>
    public ReplySample? Sample { get; private set; }

    /// <summary>Completes if the reply continues, although it was treated as complete.</summary>
    public Task CutOff => _cutOff.Task;

    /// <summary>The messages of the reply, without those that were deleted.</summary>
    public IReadOnlyList<Snowflake> MessageIds
    {
        get { lock (_gate) return [.. messages.All.Where(message => !message.IsDeleted).Select(message => message.Id)]; }
    }

    /// <summary>Which pictures and files have to be kept before they are written; null: none. Set before the reply is read.</summary>
    public Func<DiscordMediaSeen, bool>? MustBeKept { get; set; }

    /// <summary>The pictures and files that have to be kept before anything is written: <see cref="WriteTo"/> writes nothing until then.</summary>
    public IReadOnlyList<DiscordMediaSeen> FilesToKeep
    {
        get { lock (_gate) return GetFilesToKeep(); }
    }

    /// <summary>Counts the tokens of a turn by the text of its reply; null: they are not counted. Set before the reply is read.</summary>
    public Func<string, Usage>? CountTokens { get; set; }

    /// <summary>
    /// The text of a complete reply whose tokens are not counted yet: <see cref="WriteTo"/> writes nothing until then. Null: nothing to count.
    /// </summary>
    public string? TextToCount
    {
        get { lock (_gate) return MustCount ? _writer.WholeText : null; }
    }

    /// <summary>Whether some of the reply was found by reading. The pauses are unknown then.</summary>
    private bool WasFoundByReading { get; set; }

    /// <inheritdoc />
    public ValueTask<bool> OnEvents(IReadOnlyList<DiscordEvent> events)
    {
        lock (_gate)
        {
            if (_isClosed) return ValueTask.FromResult(false);
            if (_early is not null) _early.AddRange(events);
            else foreach (var e in events) Handle(e);
            if (_hasChange || _needsReading) _change.TrySetResult();
            return ValueTask.FromResult(true);
        }
    }

    /// <summary>Records that the prompt was posted. From now on, messages are checked for belonging to the reply.</summary>
    /// <param name="messageIds">The prompt's messages.</param>
    /// <param name="senderId">Snowflake of the user who posted them; null if unknown.</param>
    /// <param name="isResumed">Whether the prompt was posted before this object existed: the channel is read first.</param>
    public void OnPosted(IReadOnlyList<string> messageIds, string? senderId, bool isResumed = false)
    {
        lock (_gate)
        {
            messages.OnPosted(messageIds, senderId);
            _hasChange = true;
            _needsReading = isResumed;
            WasFoundByReading = isResumed;
            var early = _early ?? [];
            _early = null;
            foreach (var e in early) Handle(e);
        }
    }

    /// <summary>Sets the bot's cadence; null: unknown.</summary>
    public void SetCadence(ReplyCadence? cadence)
    {
        lock (_gate) pace.Cadence = cadence;
    }

    /// <summary>Returns what to do next.</summary>
    /// <param name="change">With <see cref="ReplyStep.Wait"/>: completes when there is a change.</param>
    /// <param name="wait">With <see cref="ReplyStep.Wait"/>: the longest wait.</param>
    public ReplyStep GetNextStep(out Task change, out TimeSpan wait)
    {
        lock (_gate)
        {
            change = Task.CompletedTask;
            wait = default;
            if (_needsReading) return ReplyStep.ReadChannel;
            if (_hasChange) return ReplyStep.Write;
            if (Outcome is not null) return ReplyStep.Complete;
            wait = TimerWait.RoundUp(pace.RemainingWait);
            if (wait <= TimeSpan.Zero) return ReplyStep.DecideEnd;
            if (_change.Task.IsCompleted) _change = NewSignal();
            change = _change.Task;
            return ReplyStep.Wait;
        }
    }

    /// <summary>Takes over the result of reading the channel.</summary>
    /// <param name="read">The channel's messages after the prompt, as many as were read.</param>
    /// <param name="isComplete">Whether these are all messages.</param>
    /// <param name="known"><see cref="MessageIds"/> before the channel was read. Messages that arrived since may be missing in the result.</param>
    /// <returns>Whether the result contains something that no event had delivered.</returns>
    public bool Merge(IReadOnlyList<DiscordMessageSeen> read, bool isComplete, IReadOnlyList<Snowflake> known)
    {
        lock (_gate)
        {
            _needsReading = false;
            var isChanged = false;
            foreach (var message in read)
            {
                if (messages.Apply(message) != ReplyChange.Content) continue;
                isChanged = true;
                // The silence counts from now on. When the message was edited is known by Discord's clock only; if a node's clock is ahead of it, the reply
                // would be cut off.
                pace.OnContent(message.EditedAt, isFoundByReading: true);
            }
            if (isComplete)
            {
                var existing = read.Select(message => message.Id).ToHashSet();
                foreach (var id in known.Where(id => !existing.Contains(id.ToString()))) isChanged |= messages.Remove(id) == ReplyChange.Content;
            }
            if (isChanged) WasFoundByReading = true;
            Update(isChanged);
            return isChanged;
        }
    }

    /// <summary>Records that events may have been lost. The channel is read next.</summary>
    public void OnEventsMissed()
    {
        lock (_gate) (_needsReading, WasFoundByReading) = (true, true);
    }

    /// <summary>Ends the reply, unless there was a change since the silence was long enough.</summary>
    public void DecideEnd()
    {
        lock (_gate)
        {
            if (_hasChange || Outcome is not null || pace.RemainingWait > TimeSpan.Zero) return;
            if (!pace.HasBegun)
            {
                End(ReplyOutcome.Failed("no_reply", new Error(
                    ErrorCode.UpstreamTimeout,
                    $"The bot did not begin to answer within {pace.FirstWait.TotalSeconds:0.#} s. Check that it is in the channel and active.")));
            }
            else if (pace.WaitsForButtons)
            {
                End(ReplyOutcome.Failed(ReplyOutcome.Unfinished, new Error(
                    ErrorCode.UpstreamTimeout,
                    $"The reply is incomplete: the bot ends its replies with buttons, and was silent for {pace.ButtonsWait.TotalSeconds:0.#} s before them.")));
            }
            else
            {
                End(ReplyOutcome.Silence);
            }
        }
    }

    /// <summary>Writes what is new into the reply log.</summary>
    public void WriteTo(IReplySink sink)
    {
        lock (_gate)
        {
            if (GetFilesToKeep().Count > 0 || MustCount) return;
            _hasChange = false;
            if (Outcome is null) _writer.Write(sink);
            else if (_isEndWritten) return;
            else if (Outcome.Error is { } error) sink.Fail(error);
            else
            {
                if (_usage is not null) sink.SetUsage(_usage);
                _writer.Finish(sink);
            }
            _isEndWritten = Outcome is not null;
        }
    }

    /// <summary>Sets the address at which a picture or file is kept.</summary>
    public void OnKept(DiscordMediaSeen media)
    {
        lock (_gate) _writer.Replace(media);
    }

    /// <summary>Sets the numbers of tokens.</summary>
    public void OnCounted(Usage usage)
    {
        lock (_gate) _usage = usage;
    }

    /// <summary>Ends the watch: further events are rejected.</summary>
    public void Close()
    {
        lock (_gate) _isClosed = true;
    }

    private IReadOnlyList<DiscordMediaSeen> GetFilesToKeep() => MustBeKept is null || Outcome?.Error is not null || _isEndWritten
        ? []
        : [.. _writer.NextMedia(isEnd: Outcome is not null).Where(MustBeKept)];

    private bool MustCount => CountTokens is not null && _usage is null && Outcome is { Error: null } && !_isEndWritten;

    private void Handle(DiscordEvent e)
    {
        var at = TimeOf(e);
        var change = e switch
        {
            DiscordMessageSeen message => messages.Apply(message),
            DiscordMessageDeleted deleted when Snowflake.TryParse(deleted.Id, out var id) => messages.Remove(id),
            DiscordTyping => ReplyChange.Activity,
            _ => ReplyChange.None,
        };
        if (Outcome is not null)
        {
            OnEventAfterEnd(e, change, at);
            return;
        }
        if (e is DiscordEventsMissed) (_needsReading, WasFoundByReading) = (true, true);
        if (change == ReplyChange.Activity) pace.OnActivity();
        if (change == ReplyChange.Content) pace.OnContent(at);
        // Activity counts as a change too: the reader of the exchange sees that the bot is working.
        _hasChange |= change == ReplyChange.Activity;
        Update(change == ReplyChange.Content);
    }

    private void OnEventAfterEnd(DiscordEvent e, ReplyChange change, DateTimeOffset? at)
    {
        if (Outcome != ReplyOutcome.Silence || _cutOff.Task.IsCompleted) return;
        if (change == ReplyChange.Content)
        {
            Sample = pace.CutOffSample(at) with { Ending = messages.HasButtons ? ReplyEnding.Buttons : ReplyEnding.Unknown };
            _cutOff.TrySetResult();
        }
        // What may have been missed is the rest of the reply.
        else if (e is DiscordEventsMissed && Sample is { } sample) Sample = sample with { Ending = ReplyEnding.Unknown };
    }

    /// <summary>When Discord says that an event happened; null: not known.</summary>
    private DateTimeOffset? TimeOf(DiscordEvent e)
    {
        if (e is not DiscordMessageSeen message) return null;
        if (message.EditedAt is not null) return message.EditedAt;
        // A known message that was never edited, but has changed: a preview of a link was added.
        return Snowflake.TryParse(message.Id, out var id) && !messages.All.Any(known => known.Id == id) ? id.CreatedAt : null;
    }

    private void Update(bool hasContent)
    {
        if (!hasContent || Outcome is not null) return;
        _hasChange = true;
        // A refusal is also how models begin a longer reply. The other status texts are never followed by more.
        var status = FindStatusText();
        pace.IsStatusText = status is not null;
        pace.LooksComplete = status is { Code: not ErrorCode.ContentFiltered };
        if (messages.HasButtons) End(ReplyOutcome.Buttons);
    }

    private void End(ReplyOutcome outcome)
    {
        if (FindStatusText() is { } status) outcome = ReplyOutcome.Failed("notice", status.ToError());
        else if (outcome.Error is null && !messages.HasContent)
        {
            outcome = ReplyOutcome.Failed("deleted", new Error(ErrorCode.UpstreamFailed, "The bot's reply was deleted."));
        }
        var ending = outcome == ReplyOutcome.Buttons ? ReplyEnding.Buttons
            : outcome == ReplyOutcome.Silence ? ReplyEnding.Silence
            : outcome.Reason == ReplyOutcome.Unfinished ? ReplyEnding.Unfinished
            : ReplyEnding.Unknown;
        if (ending == ReplyEnding.Unfinished || (ending != ReplyEnding.Unknown && !WasFoundByReading)) Sample = pace.SampleOf(ending);
        Outcome = outcome;
        _hasChange = true;
        _change.TrySetResult();
    }

    private CozeStatusText? FindStatusText() => _writer.SingleText is { Length: > 0 and <= DiscordLimits.MessageUnits } text ? matchStatusText(text) : null;

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>How a reply ended.</summary>
/// <param name="Reason">
/// As the metric reports it: <c>buttons</c>, <c>silence</c>, <c>notice</c> (a status text), <c>no_reply</c>, <c>unfinished</c> or <c>deleted</c>.
/// </param>
/// <param name="Error">Null if the reply is complete.</param>
internal sealed record ReplyOutcome(string Reason, Error? Error)
{
    /// <summary>The reason of a reply whose buttons did not come.</summary>
    public const string Unfinished = "unfinished";

    /// <summary>The bot added its buttons.</summary>
    public static ReplyOutcome Buttons { get; } = new("buttons", null);

    /// <summary>The silence was long enough.</summary>
    public static ReplyOutcome Silence { get; } = new("silence", null);

    /// <summary>The reply failed.</summary>
    public static ReplyOutcome Failed(string reason, Error error) => new(reason, error);
}
