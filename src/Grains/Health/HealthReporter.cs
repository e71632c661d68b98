using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains;

/// <summary>
/// Tells the health grain how its owner stands, when that changes and only then: in the background, one call at a time, so that no turn waits for it. Used on its
/// owner's scheduler alone.
/// </summary>
internal sealed partial class HealthReporter(BackgroundWork work, IGrainFactory grains, HealthKind kind, TimeProvider time, ILogger logger)
{
    private HealthEntry? _latest;
    private HealthEntry? _told;
    private bool _telling;

    /// <summary>It works.</summary>
    public void Ok(KeepActiveResult? keepActive = null) => Tell(HealthState.Ok, null, null, null, keepActive);

    /// <summary>It stands so because of an error.</summary>
    /// <param name="state">How it stands.</param>
    /// <param name="error">Why.</param>
    /// <param name="until">When it is tried or fit again.</param>
    /// <param name="keepActive">See <see cref="HealthEntry.KeepActive"/>; null: as before.</param>
    public void Not(HealthState state, Error error, DateTimeOffset? until, KeepActiveResult? keepActive = null) =>
        Tell(state, error.Message, error.Code, until, keepActive);

    /// <summary>It stands as before, and that became of its keep-active message.</summary>
    public void Keep(KeepActiveResult keepActive)
    {
        if (_latest is { } last) Tell(last.State, last.Reason, last.Code, last.Until, keepActive);
    }

    /// <summary>Tells anything.</summary>
    public void Tell(HealthState state, string? reason, ErrorCode? code, DateTimeOffset? until, KeepActiveResult? keepActive = null)
    {
        keepActive ??= _latest?.KeepActive;
        if (_latest is { } last && last.State == state && last.Reason == reason && last.Code == code && last.Until == until && last.KeepActive == keepActive) return;
        _latest = new HealthEntry(kind, work.Key, state) { Reason = reason, Code = code, Since = time.GetUtcNow(), Until = until, KeepActive = keepActive };
        if (_telling) return;
        _telling = true;
        work.Run(TellAll);
    }

    private async Task TellAll(CancellationToken stop)
    {
        try
        {
            while (_latest is { } entry && !ReferenceEquals(entry, _told))
            {
                await grains.Grain<IHealthGrain>(GrainKeys.Health).Note(entry);
                _told = entry;
            }
        }
        catch (ClusterException exception)
        {
            // Told again as soon as it is found to stand so again.
            _latest = _told;
            LogNotTold(logger, exception, kind, work.Key, exception.Code);
        }
        finally
        {
            _telling = false;
        }
    }

    [LoggerMessage(1301, LogLevel.Warning, "How {Kind} {Key} stands could not be noted: {Code}")]
    private static partial void LogNotTold(ILogger logger, Exception exception, HealthKind kind, string key, ErrorCode code);
}
