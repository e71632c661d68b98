using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>
/// Finds conversations with turns that have not ended, and activates them. The rows of turns are the registry: nothing else records which turns run.
/// </summary>
[GrainType("turn-recovery"), ActivationCountBasedPlacement]
public sealed partial class TurnRecoveryGrain : Grain, ITurnRecoveryGrain
{
    private const int PageSize = 1_000;
    private const int MaxConcurrentCalls = 16;

    /// <summary>For sweeps of all turns: the clocks of nodes differ less than this.</summary>
    private static readonly TimeSpan Future = TimeSpan.FromDays(1);

    private readonly ITurnLog _log;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SharedRuns _sweeps;
    private TimeSpan? _requestedAge;
    private long? _sweptAt;

    /// <summary>Called by Orleans.</summary>
    public TurnRecoveryGrain(ITurnLog log, TimeProvider time, ILogger<TurnRecoveryGrain> logger)
    {
        _log = log;
        _time = time;
        _logger = logger;
        _sweeps = new SharedRuns(Sweep);
    }

    /// <inheritdoc />
    public Task Sweep(TimeSpan minimumAge)
    {
        // Every silo calls once in this time; one sweep is enough for all of them.
        if (minimumAge > TimeSpan.Zero && _sweptAt is { } sweptAt && _time.GetElapsedTime(sweptAt) < minimumAge / 2) return Task.CompletedTask;
        if (_requestedAge is not { } requested || minimumAge < requested) _requestedAge = minimumAge;
        return _sweeps.Request();
    }

    private async Task Sweep()
    {
        var age = _requestedAge ?? TimeSpan.Zero;
        _requestedAge = null;
        var createdBefore = _time.GetUtcNow() + (age > TimeSpan.Zero ? -age : Future);
        for (var after = ""; ;)
        {
            var page = await _log.ReadUnfinished(createdBefore, after, PageSize, CancellationToken.None);
            var keys = new Queue<string>(page);
            await Task.WhenAll(Enumerable.Range(0, MaxConcurrentCalls).Select(_ => WakeAll(keys)));
            if (page.Count < PageSize) break;
            after = page[^1];
        }
        _sweptAt = _time.GetTimestamp();
    }

    private async Task WakeAll(Queue<string> keys)
    {
        while (keys.TryDequeue(out var key))
        {
            try
            {
                await GrainFactory.Grain<IConversationGrain>(key).Wake();
            }
            catch (ClusterException exception)
            {
                LogNotActivated(_logger, exception, key, exception.Code);
            }
        }
    }

    [LoggerMessage(1001, LogLevel.Warning, "Conversation {ConversationId} could not be activated to resume its turns: {Code}. The next sweep tries again")]
    private static partial void LogNotActivated(ILogger logger, Exception exception, string conversationId, ErrorCode code);
}
