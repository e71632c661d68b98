namespace CozeCluster.Discord;

/// <summary>What a reader of a reply has to do next.</summary>
internal enum ReplyStep
{
    /// <summary>There is something to read.</summary>
    Read,

    /// <summary>Nothing for now: wait for news, or until the silence is long enough.</summary>
    Wait,

    /// <summary>Events are missing: read the channel.</summary>
    Catch,

    /// <summary>The silence was long enough: look once more, and decide.</summary>
    Decide,

    /// <summary>All was read, the end too.</summary>
    Over,
}

/// <summary>A reply on its way in: what the events of its channel tell, until it has ended; after that, whether it had. Thread-safe.</summary>
internal sealed class DiscordReply(ReplyMessages messages, ReplyPace pace, Func<string, CozeNotice?> notice) : IDiscordObserver
{
    private readonly Lock _gate = new();
    private readonly ReplyWriter _writer = new(messages);
    // Replies can be faster than the answer to the send that asked for them.
    private List<DiscordEvent>? _early = [];
    private TaskCompletionSource _news = NewSignal();
    private bool _hasNews;
    private bool _isMissing;
    private bool _wasRead;
    private Action? _wasCut;
    private bool _isClosed;

    /// <summary>How it ended; null while it runs.</summary>
    public ReplyOutcome? Outcome { get; private set; }

    /// <summary>How it came in; null if that teaches nothing, as it has not ended or was not heard whole.</summary>
    public ReplySample? Sample { get; private set; }

    /// <summary>Whether it was found by reading at some time: then its pauses are not known.</summary>
    private bool WasFound { get; set; }

    /// <inheritdoc />
    public ValueTask<bool> OnEvents(IReadOnlyList<DiscordEvent> events)
    {
        lock (_gate)
        {
            if (_isClosed) return ValueTask.FromResult(false);
            if (_early is not null) _early.AddRange(events);
            else foreach (var one in events) Take(one);
            if (_hasNews || _isMissing) _news.TrySetResult();
            return ValueTask.FromResult(true);
        }
    }

    /// <summary>The prompt was posted; from now on the reply is looked for.</summary>
    /// <param name="messageIds">Its messages.</param>
    /// <param name="senderId">Who sent it, if known.</param>
    /// <param name="isFound">Whether it was posted before this reply was watched: what is there is read first.</param>
    public void Sent(IReadOnlyList<string> messageIds, string? senderId, bool isFound = false)
    {
        lock (_gate)
        {
            messages.Sent(messageIds, senderId);
            _hasNews = true;
            _isMissing = isFound;
            WasFound = isFound;
            var early = _early ?? [];
            _early = null;
            foreach (var one in early) Take(one);
        }
    }

    /// <summary>What is known of the bot's replies.</summary>
    public void Know(ReplyCadence? cadence)
    {
        lock (_gate) pace.Cadence = cadence;
    }

    /// <summary>What to do next.</summary>
    /// <param name="news">With <see cref="ReplyStep.Wait"/>: completes when there are some.</param>
    /// <param name="wait">With <see cref="ReplyStep.Wait"/>: for how long at most.</param>
    public ReplyStep Next(out Task news, out TimeSpan wait)
    {
        lock (_gate)
        {
            news = Task.CompletedTask;
            wait = default;
            if (_isMissing) return ReplyStep.Catch;
            if (_hasNews) return ReplyStep.Read;
            if (Outcome is not null) return ReplyStep.Over;
            wait = TimerWait.Of(pace.Left);
            if (wait <= TimeSpan.Zero) return ReplyStep.Decide;
            if (_news.Task.IsCompleted) _news = NewSignal();
            news = _news.Task;
            return ReplyStep.Wait;
        }
    }

    /// <summary>The messages there are now, to be told apart from those that come while the channel is read.</summary>
    public IReadOnlyList<Snowflake> Known
    {
        get { lock (_gate) return [.. messages.All.Where(message => !message.IsGone).Select(message => message.Id)]; }
    }

    /// <summary>Takes in what a reading of the channel showed.</summary>
    /// <param name="seen">The channel's messages behind the prompt, as many as were read.</param>
    /// <param name="isAll">Whether these are all.</param>
    /// <param name="known"><see cref="Known"/> before it was read.</param>
    /// <returns>Whether it showed what events had not.</returns>
    public bool Found(IReadOnlyList<DiscordMessageSeen> seen, bool isAll, IReadOnlyList<Snowflake> known)
    {
        lock (_gate)
        {
            _isMissing = false;
            var changed = false;
            foreach (var message in seen)
            {
                if (messages.Take(message) != ReplyChange.Content) continue;
                changed = true;
                // Its silence is counted from now on. How long ago it was edited only Discord's clock tells, and a node's that is fast would cut a reply that goes on.
                pace.Changed(isFound: true);
            }
            if (isAll)
            {
                var there = seen.Select(message => message.Id).ToHashSet();
                foreach (var id in known.Where(id => !there.Contains(id.ToString()))) changed |= messages.Remove(id) == ReplyChange.Content;
            }
            if (changed) WasFound = true;
            Changed(changed);
            return changed;
        }
    }

    /// <summary>Events may have been missed: the channel is read before anything else.</summary>
    public void Missed()
    {
        lock (_gate) (_isMissing, WasFound) = (true, true);
    }

    /// <summary>The silence was long enough, and looking once more showed nothing new: the reply has ended, unless something came meanwhile.</summary>
    public void Decide()
    {
        lock (_gate)
        {
            if (_hasNews || Outcome is not null || pace.Left > TimeSpan.Zero) return;
            End(!pace.HasBegun
                ? ReplyOutcome.Of("no_reply", new Error(ErrorCode.UpstreamTimeout, $"The bot did not begin to answer within {pace.FirstWait.TotalSeconds:0.#} s: is it in the channel, and awake?"))
                : ReplyOutcome.Silence);
        }
    }

    /// <summary>Writes what is new into the log.</summary>
    public void Read(IReplySink sink)
    {
        lock (_gate)
        {
            _hasNews = false;
            if (Outcome is null) _writer.Write(sink);
            else if (_wasRead) return;
            else if (Outcome.Error is { } error) sink.Fail(error);
            else _writer.Finish(sink);
            _wasRead = Outcome is not null;
        }
    }

    /// <summary>From now on tells, once, if the reply goes on though it was taken for ended.</summary>
    public void WatchForCut(Action<ReplySample> wasCut)
    {
        lock (_gate) _wasCut = () => wasCut(pace.CutSample);
    }

    /// <summary>Hears nothing any more.</summary>
    public void Close()
    {
        lock (_gate) _isClosed = true;
    }

    private void Take(DiscordEvent one)
    {
        var change = one switch
        {
            DiscordMessageSeen message => messages.Take(message),
            DiscordMessageDeleted gone when Snowflake.TryParse(gone.Id, out var id) => messages.Remove(id),
            DiscordTyping => ReplyChange.Sign,
            _ => ReplyChange.None,
        };
        if (Outcome is not null)
        {
            if (change != ReplyChange.Content) return;
            _wasCut?.Invoke();
            _wasCut = null;
            return;
        }
        if (one is DiscordEventsMissed) (_isMissing, WasFound) = (true, true);
        if (change == ReplyChange.Sign) pace.Sign();
        if (change == ReplyChange.Content) pace.Changed();
        // A sign is news too: whoever waits hears that the bot is at work.
        _hasNews |= change == ReplyChange.Sign;
        Changed(change == ReplyChange.Content);
    }

    private void Changed(bool hasContent)
    {
        if (!hasContent || Outcome is not null) return;
        _hasNews = true;
        var known = NoticeOf();
        // A refusal may go on; whoever else's words these are, they are all.
        pace.LooksWhole = known is { Code: not ErrorCode.ContentFiltered };
        if (messages.HasButtons) End(ReplyOutcome.Buttons);
    }

    private void End(ReplyOutcome outcome)
    {
        if (NoticeOf() is { } known) outcome = ReplyOutcome.Of("notice", known.ToError());
        else if (outcome.Error is null && !messages.HasContent) outcome = ReplyOutcome.Of("deleted", new Error(ErrorCode.UpstreamFailed, "The bot's reply was deleted."));
        if (outcome.Error is null && !WasFound) Sample = pace.Sample;
        Outcome = outcome;
        _hasNews = true;
        _news.TrySetResult();
    }

    private CozeNotice? NoticeOf() => _writer.OnlyText is { Length: > 0 and <= ReplyWriter.LongestNotification } text ? notice(text) : null;

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>How a reply ended.</summary>
/// <param name="How"><c>buttons</c>, <c>silence</c>, <c>notice</c>, <c>no_reply</c> or <c>deleted</c>.</param>
/// <param name="Error">Null if it is complete.</param>
internal sealed record ReplyOutcome(string How, Error? Error)
{
    /// <summary>Its buttons came.</summary>
    public static ReplyOutcome Buttons { get; } = new("buttons", null);

    /// <summary>Nothing came any more.</summary>
    public static ReplyOutcome Silence { get; } = new("silence", null);

    /// <summary>It failed.</summary>
    public static ReplyOutcome Of(string how, Error error) => new(how, error);
}
