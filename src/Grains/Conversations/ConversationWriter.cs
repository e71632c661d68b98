namespace CozeCluster.Grains;

/// <summary>
/// Writes the rows of one conversation: one commit at a time, in order. What is to be written is determined when a commit begins; changes that are made while
/// one is under way share the next. An activation whose commit meets rows of another activation is deactivated.
/// </summary>
internal sealed class ConversationWriter
{
    private readonly IConversationStore _store;
    private readonly ConversationMemory _memory;
    private readonly BackgroundWork _work;
    private readonly TimeProvider _time;
    private readonly ConversationOptions _options;
    private readonly TurnLedger _ledger;
    private readonly SharedRuns _commits;
    private readonly List<TurnProgress> _changed = [];
    private readonly HashSet<TurnProgress> _unfinished = [];
    private readonly List<long> _removed = [];
    private bool _isHeadChanged;
    private string? _title;

    public ConversationWriter(
        IConversationStore store, ConversationMemory memory, BackgroundWork work, TimeProvider time, ConversationOptions options, TurnLedger ledger)
    {
        _ledger = ledger;
        _store = store;
        _memory = memory;
        _work = work;
        _time = time;
        _options = options;
        _commits = new SharedRuns(Commit);
    }

    /// <summary>Whether another activation has written, so that this one can store nothing any more.</summary>
    public bool HasConflict { get; private set; }

    private TimeSpan Retention => _memory.IsNamed ? _options.NamedRetention : _options.UnnamedRetention;

    /// <summary>Takes over turns that another activation has stored and not ended.</summary>
    public void AddUnfinished(TurnProgress turn) => _unfinished.Add(turn);

    /// <summary>Stores turns as they are now or shortly after. When the task completes, they survive the process.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.StateConflict"/>: another activation has written since this one has read, and this one is deactivated. Another code: the storage
    /// failed.
    /// </exception>
    public Task Save(params ReadOnlySpan<TurnProgress> turns)
    {
        foreach (var turn in turns)
        {
            if (!_changed.Contains(turn)) _changed.Add(turn);
        }
        return _commits.Request();
    }

    /// <summary>
    /// Removes a turn from the conversation. A turn with the same id must be saved only after that: the order of changes within a commit is not specified.
    /// </summary>
    /// <exception cref="ClusterException">As for <see cref="Save"/>.</exception>
    public Task Remove(long rowId)
    {
        _removed.Add(rowId);
        return _commits.Request();
    }

    /// <summary>Stores the title of a conversation that has a head.</summary>
    /// <exception cref="ClusterException">As for <see cref="Save"/>.</exception>
    public Task SaveTitle(string title)
    {
        _title = title;
        return KeepHead();
    }

    /// <summary>Stores the head of a conversation that has one, so that its retention begins again.</summary>
    /// <exception cref="ClusterException">As for <see cref="Save"/>.</exception>
    public Task KeepHead()
    {
        _isHeadChanged = true;
        return _commits.Request();
    }

    /// <summary>Deletes the conversation after all commits.</summary>
    /// <exception cref="ClusterException">The storage failed.</exception>
    public async Task Delete()
    {
        await _commits.WhenIdle();
        await Translate(_store.Delete(_work.Key));
        _memory.Forget();
        _unfinished.Clear();
    }

    /// <summary>Completes when no commit is under way, also if the last one failed. The next activation must not read what is about to be replaced.</summary>
    public Task WhenIdle() => _commits.WhenIdle();

    /// <summary>Deactivates an activation whose knowledge is out of date.</summary>
    /// <returns>The error for its callers.</returns>
    public ClusterException ReportConflict(Exception? cause = null)
    {
        HasConflict = true;
        _work.CancelAndDeactivate("Another activation has written this conversation.");
        return Conflict(cause);
    }

    private async Task Commit()
    {
        var (turns, removed, isHeadChanged, title) = (_changed.ToArray(), _removed.ToArray(), _isHeadChanged, _title);
        _changed.Clear();
        _removed.Clear();
        (_isHeadChanged, _title) = (false, null);
        // Work that did not end in time must not overwrite what the next activation has read.
        if (_work.IsDisposed) throw Conflict(null);
        var (commit, storedTurns) = CreateCommit(turns, removed, isHeadChanged, title);
        if (commit is { Head: null, Turns.Count: 0, Remove.Count: 0 }) return;
        for (var attempt = 1; !await TryCommit(commit); attempt++)
        {
            if (attempt == TurnLedger.MaxReservations) throw TurnLedger.NotReserved();
            foreach (var turn in turns.Where(turn => !turn.IsStored))
            {
                if (turn.Charge is { } lost) turn.Charge = await _ledger.ReserveAgain(turn.Row, lost);
            }
            (commit, storedTurns) = CreateCommit(turns, removed, isHeadChanged, title);
        }
        _memory.Apply(commit, storedTurns);
        for (var i = 0; i < turns.Length; i++)
        {
            turns[i].MarkStored(commit.Turns[i]);
            if (turns[i].IsEndStored) _unfinished.Remove(turns[i]);
            else _unfinished.Add(turns[i]);
        }
    }

    /// <returns>False if nothing was written because the epoch of a charge is closed.</returns>
    private async Task<bool> TryCommit(ConversationCommit commit)
    {
        try
        {
            await Translate(_store.Commit(commit));
            return true;
        }
        catch (EpochClosedException)
        {
            return false;
        }
    }

    private (ConversationCommit Commit, int StoredTurns) CreateCommit(
        TurnProgress[] turns, long[] removed, bool isHeadChanged, string? title)
    {
        var added = turns.Where(turn => !turn.IsStored).ToList();
        var kept = _memory.StoredTurns - removed.Length;
        // Only turns that have ended can be removed.
        var surplus = added.Count == 0 ? 0 : Math.Clamp(kept + added.Count - _options.MaxStoredTurns, 0, Math.Max(kept - _unfinished.Count, 0));
        var count = kept + added.Count - surplus;
        // A conversation without a name gets a head with its second turn. Its head lives as long as the reply of its last turn.
        var needsHead = (added.Count > 0 && (_memory.IsNamed || _memory.Head is not null || count > 1))
            || (_memory.Head is not null && (isHeadChanged || removed.Length > 0 || (!_memory.IsNamed && turns.Any(turn => turn.EndedAt is not null))));
        var commit = new ConversationCommit(_work.Key)
        {
            Head = needsHead ? CreateHead(added, count, title) : null,
            ExpectedHeadVersion = _memory.HeadVersion,
            NextHeadVersion = _memory.HeadVersion == 0 ? ConversationHead.NewVersion() : _memory.HeadVersion + 1,
            Turns = [.. turns.Select(turn => turn.CreateChange(_memory.InstructionsHash, _options.UnnamedRetention))],
            RemoveOldest = surplus,
            Remove = removed,
        };
        return (commit, count);
    }

    private ConversationHead CreateHead(List<TurnProgress> added, int turns, string? title)
    {
        var lastUsedAt = added.Select(turn => turn.Row.CreatedAt).Append(_memory.Head?.LastUsedAt ?? _memory.CreatedAt).Max();
        return new ConversationHead(_memory.TenantId, _memory.Name, _memory.CreatedAt, lastUsedAt, turns, _time.GetUtcNow() + Retention)
        {
            Title = title ?? _memory.Head?.Title,
        };
    }

    private async Task Translate(Task operation)
    {
        try
        {
            await operation;
        }
        catch (ClusterException exception) when (exception.Code == ErrorCode.StateConflict)
        {
            throw ReportConflict(exception);
        }
        catch (Exception exception) when (exception is not (ClusterException or EpochClosedException))
        {
            throw CallErrors.Translate(exception);
        }
    }

    private static ClusterException Conflict(Exception? cause) =>
        new(ErrorCode.StateConflict, "Another request changed the same data at the same time. Retry.", inner: cause);
}
