using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>What an index stores.</summary>
public sealed class ConversationIndexState
{
    /// <summary>Summaries by the client's name for the conversation.</summary>
    public Dictionary<string, ConversationSummary> Conversations { get; set; } = [];
}

/// <summary>Lists a tenant's named conversations. Notes are stored a little later and together; the conversations themselves know better.</summary>
[GrainType("conversation-index"), ActivationCountBasedPlacement]
public sealed class ConversationIndexGrain(
    [PersistentState("conversation-index")] IPersistentState<ConversationIndexState> state, BackgroundWork work, TimeProvider time, ConversationOptions options)
    : Grain, IConversationIndexGrain
{
    private const int MaxRemembered = 1_000;
    private static readonly TimeSpan SaveDelay = TimeSpan.FromSeconds(1);

    private readonly StateSaver<ConversationIndexState> _saver = new(state, work);

    // Where those that were forgotten stood: whoever deletes what a page shows goes on behind it.
    private readonly Dictionary<string, ConversationSummary> _forgotten = [];
    private IDisposable? _pendingSave;

    private Dictionary<string, ConversationSummary> Conversations => state.State.Conversations;

    /// <inheritdoc />
    public Task Note(ConversationSummary summary)
    {
        if (!Conversations.TryGetValue(summary.Name, out var known) || known.LastUsedAt <= summary.LastUsedAt)
        {
            Conversations[summary.Name] = summary;
            SaveSoon();
        }
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task Forget(string name)
    {
        if (Conversations.Remove(name, out var known))
        {
            if (_forgotten.Count >= MaxRemembered) _forgotten.Clear();
            _forgotten[name] = known;
        }
        // At once: the conversation is about to be deleted, and nobody could delete it from here afterwards.
        return _saver.Save();
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<ConversationSummary>> List(string? after, int limit)
    {
        var oldest = time.GetUtcNow() - options.NamedRetention;
        foreach (var (name, summary) in Conversations)
        {
            if (summary.LastUsedAt < oldest) Conversations.Remove(name);
        }
        IEnumerable<ConversationSummary> found = Conversations.Values;
        if (after is not null)
        {
            var last = Conversations.GetValueOrDefault(after) ?? _forgotten.GetValueOrDefault(after);
            found = last is null ? [] : found.Where(summary => Compare(last, summary) < 0);
        }
        return Task.FromResult<IReadOnlyList<ConversationSummary>>([.. found.Order(Comparer<ConversationSummary>.Create(Compare)).Take(limit)]);
    }

    /// <inheritdoc />
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await work.StopAsync();
        if (_pendingSave is not null) await _saver.Save();
    }

    private static int Compare(ConversationSummary one, ConversationSummary other) =>
        other.LastUsedAt.CompareTo(one.LastUsedAt) is var byUse and not 0 ? byUse : string.CompareOrdinal(one.Name, other.Name);

    private void SaveSoon() => _pendingSave ??= this.StartTimer(SaveDelay, Timeout.InfiniteTimeSpan, async _ =>
    {
        _pendingSave = null;
        try
        {
            await _saver.Save();
        }
        catch
        {
            SaveSoon();
            throw;
        }
    });
}
