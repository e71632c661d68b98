using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains;

/// <summary>What a registry stores.</summary>
public sealed class RunningTurnsState
{
    /// <summary>Conversations that had a turn running.</summary>
    public HashSet<string> Conversations { get; set; } = [];
}

/// <summary>Remembers conversations with running turns and wakes them when a node starts or goes, and every minute while there are any.</summary>
public partial class RunningTurnsGrain(IGrainContext<RunningTurnsState> context, ILogger<RunningTurnsGrain> logger)
    : IRunningTurnsGrain, IGrainLifecycle
{
    private const string Reminder = "sweep";
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan SaveDelay = TimeSpan.FromSeconds(1);

    private readonly StateSaver<RunningTurnsState> _saver = new(context.State);

    // When each was added last, counted in additions.
    private readonly Dictionary<string, long> _added = [];
    private long _additions;
    private IDisposable? _pendingSave;
    private bool _reminded;

    /// <inheritdoc />
    public async Task Add(string conversationKey, bool atOnce)
    {
        context.State.Value.Conversations.Add(conversationKey);
        _added[conversationKey] = ++_additions;
        if (atOnce) await Save();
        else SaveSoon();
    }

    /// <inheritdoc />
    public Task Remove(string conversationKey)
    {
        // Stored with the next change: one that is remembered too long is woken once in vain.
        Forget(conversationKey);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async Task Sweep()
    {
        foreach (var key in context.State.Value.Conversations.ToArray())
        {
            var added = _added.GetValueOrDefault(key);
            try
            {
                var isBusy = await context.Grains.Get<IConversationGrain>(key).Wake();
                // One that was idle may have begun a turn since it said so.
                if (!isBusy && _added.GetValueOrDefault(key) == added) Forget(key);
            }
            catch (ClusterException exception)
            {
                LogNotWoken(logger, exception, key, exception.Code);
            }
        }
    }

    /// <inheritdoc />
    public async ValueTask OnReminder(string name, CancellationToken cancellationToken)
    {
        await Sweep();
        if (context.State.Value.Conversations.Count > 0) return;
        await context.ClearReminder(Reminder, cancellationToken);
        _reminded = false;
        if (context.State.Value.Conversations.Count > 0) await Remind();
        await _saver.Save();
    }

    /// <inheritdoc />
    public async ValueTask OnDeactivate(CancellationToken cancellationToken) => await _saver.Save();

    private void Forget(string conversationKey)
    {
        context.State.Value.Conversations.Remove(conversationKey);
        _added.Remove(conversationKey);
    }

    private void SaveSoon() => _pendingSave ??= context.StartTimer(SaveDelay, Timeout.InfiniteTimeSpan, async _ =>
    {
        _pendingSave = null;
        if (context.State.Value.Conversations.Count > 0) await Save();
    });

    private async Task Save()
    {
        try
        {
            await Task.WhenAll(_saver.Save(), Remind());
        }
        catch
        {
            // What is not stored yet may have nobody else to come back to it.
            SaveSoon();
            throw;
        }
    }

    private async Task Remind()
    {
        if (_reminded) return;
        _reminded = true;
        try
        {
            await context.SetReminder(Reminder, Period, Period);
        }
        catch
        {
            _reminded = false;
            throw;
        }
    }

    [LoggerMessage(1001, LogLevel.Warning, "Conversation {Key} could not be woken: {Code}")]
    private static partial void LogNotWoken(ILogger logger, Exception exception, string key, ErrorCode code);
}
