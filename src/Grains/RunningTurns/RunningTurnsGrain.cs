using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>What a registry stores.</summary>
public sealed class RunningTurnsState
{
    /// <summary>Conversations that had a turn running.</summary>
    public HashSet<string> Conversations { get; set; } = [];
}

/// <summary>Remembers conversations with running turns and wakes them when a node starts or goes, and every minute while there are any.</summary>
[GrainType("running-turns"), ActivationCountBasedPlacement]
public sealed partial class RunningTurnsGrain(
    [PersistentState("running-turns")] IPersistentState<RunningTurnsState> state, BackgroundWork work, ILogger<RunningTurnsGrain> logger)
    : Grain, IRunningTurnsGrain, IRemindable
{
    private const string Reminder = "sweep";
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan SaveDelay = TimeSpan.FromSeconds(1);

    private readonly StateSaver<RunningTurnsState> _saver = new(state, work);

    // When each was added last, counted in additions.
    private readonly Dictionary<string, long> _added = [];
    private long _additions;
    private IDisposable? _pendingSave;
    private bool _reminded;

    /// <inheritdoc />
    public async Task Add(string conversationKey, bool atOnce)
    {
        state.State.Conversations.Add(conversationKey);
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
        foreach (var key in state.State.Conversations.ToArray())
        {
            var added = _added.GetValueOrDefault(key);
            try
            {
                var isBusy = await GrainFactory.Grain<IConversationGrain>(key).Wake();
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
    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        await Sweep();
        if (state.State.Conversations.Count > 0) return;
        await this.ClearReminder(Reminder);
        _reminded = false;
        if (state.State.Conversations.Count > 0) await Remind();
        await _saver.Save();
    }

    /// <inheritdoc />
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await work.StopAsync();
        await _saver.Save();
    }

    private void Forget(string conversationKey)
    {
        state.State.Conversations.Remove(conversationKey);
        _added.Remove(conversationKey);
    }

    private void SaveSoon() => _pendingSave ??= this.StartTimer(SaveDelay, Timeout.InfiniteTimeSpan, async _ =>
    {
        _pendingSave = null;
        if (state.State.Conversations.Count > 0) await Save();
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
            await this.RegisterOrUpdateReminder(Reminder, Period, Period);
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
