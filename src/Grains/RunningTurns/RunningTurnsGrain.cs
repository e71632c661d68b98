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
    private IDisposable? _pendingSave;
    private bool _reminded;

    /// <inheritdoc />
    public async Task Add(string conversationKey, bool atOnce)
    {
        context.State.Value.Conversations.Add(conversationKey);
        if (!atOnce)
        {
            _pendingSave ??= context.StartTimer(SaveDelay, Timeout.InfiniteTimeSpan, async _ =>
            {
                _pendingSave = null;
                if (context.State.Value.Conversations.Count > 0) await Save();
            });
            return;
        }
        await Save();
    }

    /// <inheritdoc />
    public Task Remove(string conversationKey)
    {
        // Stored with the next change: one that is remembered too long is woken once in vain.
        context.State.Value.Conversations.Remove(conversationKey);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async Task Sweep()
    {
        foreach (var key in context.State.Value.Conversations.ToArray())
        {
            try
            {
                if (!await context.Grains.Get<IConversationGrain>(key).Wake()) context.State.Value.Conversations.Remove(key);
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
        _reminded = false;
        await context.ClearReminder(Reminder, cancellationToken);
        await _saver.Save();
    }

    /// <inheritdoc />
    public async ValueTask OnDeactivate(CancellationToken cancellationToken) => await _saver.Save();

    private async Task Save()
    {
        var saved = _saver.Save();
        if (!_reminded)
        {
            _reminded = true;
            await context.SetReminder(Reminder, Period, Period);
        }
        await saved;
    }

    [LoggerMessage(1001, LogLevel.Warning, "Conversation {Key} could not be woken: {Code}")]
    private static partial void LogNotWoken(ILogger logger, Exception exception, string key, ErrorCode code);
}
