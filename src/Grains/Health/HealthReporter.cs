using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains;

/// <summary>
/// Reports the health of its owner to the health grain, but only changes. Reports are sent in the background, one at a time, so no turn waits for them. Used on
/// the owner's scheduler only.
/// </summary>
internal sealed partial class HealthReporter(BackgroundWork work, IGrainFactory grains, HealthKind kind, TimeProvider time, ILogger logger)
{
    private HealthEntry? _latest;
    private HealthEntry? _reported;
    private bool _isReporting;

    /// <summary>Reports that the owner works.</summary>
    public void ReportOk(KeepActiveResult? keepActive = null) => Report(HealthState.Ok, null, null, null, keepActive);

    /// <summary>Reports that the owner is not available because of an error.</summary>
    /// <param name="state">The state.</param>
    /// <param name="error">The reason.</param>
    /// <param name="until">When the owner is retried, or available again.</param>
    public void ReportUnavailable(HealthState state, Error error, DateTimeOffset? until) => Report(state, error.Message, error.Code, until);

    /// <summary>Reports the result of a keep-active message. The state does not change.</summary>
    public void ReportKeepActive(KeepActiveResult keepActive)
    {
        if (_latest is { } last) Report(last.State, last.Reason, last.Code, last.Until, keepActive);
    }

    /// <summary>Reports a state.</summary>
    /// <param name="state">The state.</param>
    /// <param name="reason">The reason, as a sentence for operators.</param>
    /// <param name="code">The error that caused the state.</param>
    /// <param name="until">When the owner is retried, or available again.</param>
    /// <param name="keepActive">The result of a keep-active message; null: unchanged.</param>
    public void Report(HealthState state, string? reason, ErrorCode? code, DateTimeOffset? until, KeepActiveResult? keepActive = null)
    {
        var entry = new HealthEntry(kind, work.Key, state)
        {
            Reason = reason,
            Code = code,
            Since = _latest?.Since ?? default,
            Until = until,
            KeepActive = keepActive ?? _latest?.KeepActive,
        };
        if (entry == _latest) return;
        _latest = entry with { Since = time.GetUtcNow() };
        if (_isReporting) return;
        _isReporting = true;
        work.Run(SendReports);
    }

    private async Task SendReports(CancellationToken stop)
    {
        try
        {
            while (_latest is { } entry && !ReferenceEquals(entry, _reported))
            {
                await grains.Grain<IHealthGrain>(GrainKeys.Health).Report(entry);
                _reported = entry;
            }
        }
        catch (ClusterException exception)
        {
            // The next report of the same state is sent again.
            _latest = _reported;
            LogReportFailed(logger, exception, kind, work.Key, exception.Code);
        }
        finally
        {
            _isReporting = false;
        }
    }

    [LoggerMessage(1301, LogLevel.Warning, "The health of {Kind} {Id} could not be reported: {Code}")]
    private static partial void LogReportFailed(ILogger logger, Exception exception, HealthKind kind, string id, ErrorCode code);
}
