using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>The stored state of a registry of running turns.</summary>
public sealed class RunningTurnsState
{
    /// <summary>Keys of conversations that had a running turn.</summary>
    public HashSet<string> Conversations { get; set; } = [];
}

/// <summary>
/// Lists conversations with running turns. Activates them when a node has started, stopped or failed, and every minute while the list is not empty.
/// </summary>
[GrainType("running-turns"), ActivationCountBasedPlacement]
public sealed partial class RunningTurnsGrain : Grain, IRunningTurnsGrain, IRemindable
{
    private const string Reminder = "sweep";
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan SaveDelay = TimeSpan.FromSeconds(1);

    private readonly IPersistentState<RunningTurnsState> _state;
    private readonly BackgroundWork _work;
    private readonly ILogger _logger;
    private readonly StateSaver<RunningTurnsState> _saver;
    private readonly DelayedSave _save;

    // The number of the latest addition of each conversation.
    private readonly Dictionary<string, long> _additionNumbers = [];
    private long _additions;
    private bool _hasReminder;

    /// <summary>Called by Orleans.</summary>
    public RunningTurnsGrain(
        [PersistentState("running-turns")] IPersistentState<RunningTurnsState> state, BackgroundWork work, ILogger<RunningTurnsGrain> logger)
    {
        _state = state;
        _work = work;
        _logger = logger;
        _saver = new StateSaver<RunningTurnsState>(state, work);
        _save = new DelayedSave(work, SaveDelay, SaveAndRemind);
    }

    private HashSet<string> Conversations => _state.State.Conversations;

    /// <inheritdoc />
    public Task Add(string conversationKey, bool atOnce)
    {
        Conversations.Add(conversationKey);
        _additionNumbers[conversationKey] = ++_additions;
        if (atOnce) return _save.SaveNow();
        _save.Schedule();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task Remove(string conversationKey)
    {
        // Saved with the next change. If that is too late, the conversation is activated once without need.
        RemoveEntry(conversationKey);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async Task Sweep()
    {
        foreach (var key in Conversations.ToArray())
        {
            var addition = _additionNumbers.GetValueOrDefault(key);
            try
            {
                var isBusy = await GrainFactory.Grain<IConversationGrain>(key).Wake();
                // The conversation may have begun a turn after it answered. Then it has been added again.
                if (!isBusy && _additionNumbers.GetValueOrDefault(key) == addition) RemoveEntry(key);
            }
            catch (ClusterException exception)
            {
                LogNotActivated(_logger, exception, key, exception.Code);
            }
        }
    }

    /// <inheritdoc />
    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        await Sweep();
        if (Conversations.Count > 0) return;
        await this.ClearReminder(Reminder);
        _hasReminder = false;
        if (Conversations.Count > 0) await RegisterReminder();
        await _saver.Save();
    }

    /// <inheritdoc />
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _work.StopAsync();
        await _saver.Save();
    }

    private void RemoveEntry(string conversationKey)
    {
        Conversations.Remove(conversationKey);
        _additionNumbers.Remove(conversationKey);
    }

    private Task SaveAndRemind() => Conversations.Count > 0 ? Task.WhenAll(_saver.Save(), RegisterReminder()) : Task.CompletedTask;

    private async Task RegisterReminder()
    {
        if (_hasReminder) return;
        _hasReminder = true;
        try
        {
            await this.RegisterOrUpdateReminder(Reminder, Period, Period);
        }
        catch
        {
            _hasReminder = false;
            throw;
        }
    }

    [LoggerMessage(1001, LogLevel.Warning, "Conversation {ConversationId} could not be activated to resume its turns: {Code}")]
    private static partial void LogNotActivated(ILogger logger, Exception exception, string conversationId, ErrorCode code);
}
