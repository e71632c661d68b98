using System.Text.Json;

namespace CozeCluster.Grains;

/// <summary>
/// How far a turn has come, and what the storage has of it. Whoever advances the turn sets the properties; <see cref="ConversationWriter"/> stores them.
/// </summary>
internal sealed class TurnProgress
{
    private readonly List<TurnAttempt> _attempts = [];
    private int _attemptCount;
    private bool _hasStoredRequest;
    private bool _hasStoredPrompt;
    private bool _hasStoredReply;

    /// <summary>The row as it is stored. As long as none is stored, its version is 0 and it has only what was known when the turn was accepted.</summary>
    public required TurnRow Row { get; set; }

    public string TurnId => Row.TurnId;

    public TurnStatus Status { get; set; } = TurnStatus.Queued;

    /// <summary>See <see cref="TurnRequest.Fingerprint"/>.</summary>
    public string? Fingerprint { get; init; }

    /// <summary>See <see cref="TurnRequest.Survive"/>.</summary>
    public bool Survive { get; init; }

    /// <summary>The whole request; null if it is not known any more, because the turn was sent by another activation or has ended.</summary>
    public TurnRequest? Request { get; set; }

    /// <summary>Whether the prompt stays stored after it was sent.</summary>
    public bool KeepsPrompt { get; init; }

    /// <summary>Whether the turn is the first one of its conversation.</summary>
    public bool IsFirst { get; init; }

    /// <summary>The messages that were new in the conversation; null if the prompt is not kept.</summary>
    public IReadOnlyList<ChatMessage>? Prompt { get; set; }

    /// <summary>The intent: see <see cref="TurnDetails.Sent"/>.</summary>
    public bool IsSent { get; set; }

    /// <summary>The ids by which the exchange can be found again; null until they are known.</summary>
    public UpstreamHandle? Handle { get; set; }

    /// <summary>What the turn is charged; null if it is not charged.</summary>
    public TurnCharge? Charge { get; set; }

    /// <summary>The tokens that the prompt of a charged turn was expected to have.</summary>
    public long InputEstimate { get; init; }

    /// <summary>See <see cref="ReservedTurn.Price"/>.</summary>
    public PriceDefinition? Price { get; init; }

    /// <summary>When the first text arrived; null if none has.</summary>
    public DateTimeOffset? FirstTextAt { get; private set; }

    /// <summary>Whether no text of the last attempt has arrived.</summary>
    public bool AwaitsText => FirstTextAt is null || _attempts is [.., { FirstText: null }];

    /// <summary>Who answers; null if no attempt has begun.</summary>
    public ReplySource? Source => _attempts is [.., var last] ? new ReplySource(last.Bot, _attemptCount) : null;

    /// <summary>When the turn ended; null until then.</summary>
    public DateTimeOffset? EndedAt { get; set; }

    /// <summary>How the turn ended; null until then.</summary>
    public ReplyEvent? End { get; set; }

    /// <summary>The whole reply, from the end of the turn until it is stored.</summary>
    public IReadOnlyList<ReplyPart>? Reply { get; set; }

    public IReadOnlyList<Rewrite> Rewrites { get; set; } = [];

    /// <summary>The number of tokens, if the upstream has reported it.</summary>
    public Usage? Usage { get; set; }

    /// <summary>Whether the storage has a row of this turn.</summary>
    public bool IsStored => Row.Version > 0;

    /// <summary>Whether the storage has the end of this turn.</summary>
    public bool IsEndStored => Row.EndedAt is not null;

    /// <summary>Progress of a turn that a stored row describes.</summary>
    /// <param name="stored">The row with its contents.</param>
    /// <param name="details">The details of the row.</param>
    /// <param name="keepsPrompt">See <see cref="KeepsPrompt"/>.</param>
    /// <param name="isFirst">See <see cref="IsFirst"/>.</param>
    public static TurnProgress FromStored(StoredTurn stored, TurnDetails details, bool keepsPrompt, bool isFirst = false)
    {
        var row = stored.Row;
        var progress = new TurnProgress
        {
            Row = row,
            Status = row.Status,
            Fingerprint = details.Fingerprint,
            Survive = details.Survive,
            KeepsPrompt = keepsPrompt,
            IsFirst = isFirst,
            IsSent = details.Sent,
            Charge = row.Charge,
            InputEstimate = details.InputEstimate ?? 0,
            Price = details.Price,
            FirstTextAt = row.FirstTextAt,
            EndedAt = row.EndedAt,
            End = details.End,
            Rewrites = details.Rewrites ?? [],
            _attemptCount = row.Attempts,
            _hasStoredRequest = stored.Find(TurnContentKind.Request) is not null,
            _hasStoredPrompt = stored.Find(TurnContentKind.Prompt) is not null,
            _hasStoredReply = stored.Find(TurnContentKind.Reply) is not null,
        };
        progress._attempts.AddRange(details.Attempts ?? []);
        return progress;
    }

    /// <summary>Selects the messages that are stored as the prompt. Called when the turn is accepted, and again when it is its turn to be sent.</summary>
    /// <param name="knownInstructions">A hash of the instructions that the conversation at the upstream has; null without any.</param>
    public void SelectPrompt(string? knownInstructions)
    {
        if (!KeepsPrompt || Request is null) return;
        Prompt = IsFirst ? Request.Messages : PromptBuilder.SelectNewMessages(Request.Messages, knownInstructions);
    }

    /// <summary>Records that a lease was granted for another attempt.</summary>
    /// <param name="lease">The lease.</param>
    /// <param name="now">The time.</param>
    /// <param name="limit">How many attempts are kept.</param>
    public void BeginAttempt(Lease lease, DateTimeOffset now, int limit)
    {
        if (_attempts.Count >= limit) _attempts.RemoveAt(0);
        _attempts.Add(new TurnAttempt(lease.Bot.Id, lease.Account.Id, lease.Bot.Upstream, now));
        _attemptCount++;
    }

    /// <summary>Records when the first text arrived, in the turn and in its last attempt.</summary>
    public void NoteText(DateTimeOffset now)
    {
        FirstTextAt ??= now;
        if (_attempts is [.., { FirstText: null } last]) _attempts[^1] = last with { FirstText = now };
    }

    /// <summary>Records how the last attempt ended.</summary>
    public void EndAttempt(Error? error, DateTimeOffset now)
    {
        if (_attempts is [.., var last]) _attempts[^1] = last with { Ended = now, Error = error?.Code };
    }

    /// <summary>The change that stores the progress as it is now.</summary>
    /// <param name="instructionsHash">See <see cref="TurnDetails.InstructionsHash"/>.</param>
    /// <param name="replyLifetime">How long a reply stays stored after the end of a turn whose prompt is not kept.</param>
    public TurnChange CreateChange(string? instructionsHash, TimeSpan replyLifetime)
    {
        var details = new TurnDetails
        {
            Fingerprint = Fingerprint,
            Survive = Survive,
            Sent = IsSent,
            End = End,
            Rewrites = Rewrites.Count > 0 ? Rewrites : null,
            InstructionsHash = instructionsHash,
            Attempts = _attempts.Count > 0 ? [.. _attempts] : null,
            InputEstimate = Charge is null ? null : InputEstimate,
            Price = Charge is null ? null : Price,
        };
        var last = _attempts.LastOrDefault();
        var row = Row with
        {
            Version = Row.Version + 1,
            Status = Status,
            FirstTextAt = FirstTextAt,
            EndedAt = EndedAt,
            Upstream = last?.Upstream ?? Row.Upstream,
            BotId = last?.Bot ?? Row.BotId,
            AccountId = last?.Account ?? Row.AccountId,
            Attempts = _attemptCount,
            Error = (End as ReplyFailed)?.Error.Code,
            InputTokens = Usage?.InputTokens,
            OutputTokens = Usage?.OutputTokens,
            // A turn that ends before its row is stored uses nothing, and its row needs no epoch that is open.
            Charge = EndedAt is not null && !IsStored ? null : Charge,
            Handle = Handle is null ? null : JsonSerializer.SerializeToUtf8Bytes(Handle, TurnJson.Default.UpstreamHandle),
            Details = JsonSerializer.SerializeToUtf8Bytes(details, TurnJson.Default.TurnDetails),
        };
        return new TurnChange(row, [.. CreateContents(replyLifetime)]);
    }

    /// <summary>Records that the storage has this change.</summary>
    public void MarkStored(TurnChange change)
    {
        Row = change.Row;
        foreach (var content in change.Contents)
        {
            var isStored = content.Payload.Length > 0;
            if (content.Kind == TurnContentKind.Request) _hasStoredRequest = isStored;
            else if (content.Kind == TurnContentKind.Prompt) _hasStoredPrompt = isStored;
            else _hasStoredReply = isStored;
        }
        if (IsEndStored) Reply = null;
    }

    private IEnumerable<TurnContent> CreateContents(TimeSpan replyLifetime)
    {
        // A turn that was not sent is stored with its request, so that another activation can send it. Nothing reads the request after that.
        var isWaiting = !IsSent && EndedAt is null;
        if (isWaiting && !_hasStoredRequest)
            yield return new TurnContent(TurnContentKind.Request, JsonSerializer.SerializeToUtf8Bytes(Request!, TurnJson.Default.TurnRequest));
        else if (!isWaiting && _hasStoredRequest) yield return new TurnContent(TurnContentKind.Request, default);

        if (!isWaiting && !_hasStoredPrompt && Prompt is { } prompt)
            yield return new TurnContent(TurnContentKind.Prompt, JsonSerializer.SerializeToUtf8Bytes(prompt, TurnJson.Default.IReadOnlyListChatMessage));
        else if (isWaiting && _hasStoredPrompt) yield return new TurnContent(TurnContentKind.Prompt, default);

        if (EndedAt is { } ended && !_hasStoredReply)
        {
            var reply = JsonSerializer.SerializeToUtf8Bytes(Reply ?? [], TurnJson.Default.IReadOnlyListReplyPart);
            yield return new TurnContent(TurnContentKind.Reply, reply, KeepsPrompt ? null : ended + replyLifetime);
        }
    }
}
