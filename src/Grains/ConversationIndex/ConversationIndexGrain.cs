using CozeCluster.Messages;

namespace CozeCluster.Grains;

/// <summary>What an index stores.</summary>
public sealed class ConversationIndexState
{
    /// <summary>Summaries by the client's name for the conversation.</summary>
    public Dictionary<string, ConversationSummary> Conversations { get; set; } = [];
}

/// <summary>Lists a tenant's named conversations. Notes are stored a little later and together; the conversations themselves know better.</summary>
public class ConversationIndexGrain(IGrainContext<ConversationIndexState> context, TimeProvider time, ConversationOptions options)
    : IConversationIndexGrain, IGrainLifecycle
{
    private static readonly TimeSpan SaveDelay = TimeSpan.FromSeconds(1);

    private readonly StateSaver<ConversationIndexState> _saver = new(context.State);
    private IDisposable? _pendingSave;

    private Dictionary<string, ConversationSummary> Conversations => context.State.Value.Conversations;

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
        if (Conversations.Remove(name)) SaveSoon();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<ConversationSummary>> List(string? after, int limit)
    {
        var oldest = time.GetUtcNow() - options.NamedRetention;
        foreach (var (name, summary) in Conversations)
        {
            if (summary.LastUsedAt < oldest) Conversations.Remove(name);
        }
        var sorted = Conversations.Values.OrderByDescending(summary => summary.LastUsedAt).ThenBy(summary => summary.Name, StringComparer.Ordinal);
        var rest = after is null ? sorted : sorted.SkipWhile(summary => summary.Name != after).Skip(1);
        return Task.FromResult<IReadOnlyList<ConversationSummary>>([.. rest.Take(limit)]);
    }

    /// <inheritdoc />
    public async ValueTask OnDeactivate(CancellationToken cancellationToken)
    {
        if (_pendingSave is not null) await _saver.Save();
    }

    private void SaveSoon() => _pendingSave ??= context.StartTimer(SaveDelay, Timeout.InfiniteTimeSpan, async _ =>
    {
        _pendingSave = null;
        await _saver.Save();
    });
}
