using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>The stored state of a conversation index.</summary>
public sealed class ConversationIndexState
{
    /// <summary>Summaries by the client's name for the conversation.</summary>
    public Dictionary<string, ConversationSummary> Conversations { get; set; } = [];
}

/// <summary>
/// Lists a tenant's named conversations. Updates are saved together, with a delay. This is safe because the conversations themselves hold the same data.
/// </summary>
[GrainType("conversation-index"), ActivationCountBasedPlacement]
public sealed class ConversationIndexGrain(
    [PersistentState("conversation-index")] IPersistentState<ConversationIndexState> state, BackgroundWork work, TimeProvider time, ConversationOptions options)
    : Grain, IConversationIndexGrain
{
    private const int MaxRemovedSummaries = 1_000;
    private static readonly TimeSpan SaveDelay = TimeSpan.FromSeconds(1);

    private readonly DelayedSave _save = new(work, SaveDelay, new StateSaver<ConversationIndexState>(state, work).Save);

    // A client may delete the conversations of a page and then ask for the page after the last of them.
    private readonly Dictionary<string, ConversationSummary> _removed = [];

    private Dictionary<string, ConversationSummary> Conversations => state.State.Conversations;

    /// <inheritdoc />
    public Task Update(ConversationSummary summary)
    {
        if (!Conversations.TryGetValue(summary.Name, out var known) || known.LastUsedAt <= summary.LastUsedAt)
        {
            Conversations[summary.Name] = summary;
            _save.Schedule();
        }
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task Remove(string name)
    {
        if (Conversations.Remove(name, out var known))
        {
            if (_removed.Count >= MaxRemovedSummaries) _removed.Clear();
            _removed[name] = known;
        }
        // At once, because the conversation is about to be deleted: after a crash, nothing else would remove its summary.
        return _save.SaveNow();
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
            var last = Conversations.GetValueOrDefault(after) ?? _removed.GetValueOrDefault(after);
            found = last is null ? [] : found.Where(summary => Compare(last, summary) < 0);
        }
        return Task.FromResult<IReadOnlyList<ConversationSummary>>([.. found.Order(Comparer<ConversationSummary>.Create(Compare)).Take(limit)]);
    }

    /// <inheritdoc />
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await work.StopAsync();
        if (_save.IsPending) await _save.SaveNow();
    }

    private static int Compare(ConversationSummary one, ConversationSummary other) =>
        other.LastUsedAt.CompareTo(one.LastUsedAt) is var byUse and not 0 ? byUse : string.CompareOrdinal(one.Name, other.Name);
}
