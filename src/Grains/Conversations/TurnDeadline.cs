namespace CozeCluster.Grains;

/// <summary>Limits how long one attempt waits for the upstream. A single timer is set again whenever the upstream sends something.</summary>
internal sealed class TurnDeadline : IDisposable
{
    /// <summary>
    /// How long an exchange whose ids are not known yet may continue after a cancellation or a deactivation. With the ids, the upstream can be asked to cancel,
    /// or another node can find the exchange again. Orleans and the node wait longer than this.
    /// </summary>
    private static readonly TimeSpan IdsTimeout = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time;
    private readonly TurnTimeouts _timeouts;
    private readonly long _start;
    private readonly CancellationTokenSource _source;
    private readonly CancellationTokenRegistration _deactivation;
    private readonly CancellationTokenRegistration _nodeStop;
    private (string Text, TimeSpan Time) _limit;
    private bool _isCancelling;
    private bool _isDeactivating;
    private bool _waitsForIds;
    private volatile bool _isNodeStopping;

    /// <param name="time">The clock.</param>
    /// <param name="timeouts">The timeouts of the bot.</param>
    /// <param name="stop">Cancelled when the grain is deactivated.</param>
    /// <param name="waitsForIds">
    /// Whether a deactivation waits a few seconds for the upstream's ids: without them, a prompt that was sent cannot be found again.
    /// </param>
    /// <param name="nodeStop">Cancelled, by any thread, when turns that no other node can resume have to end.</param>
    public TurnDeadline(TimeProvider time, TurnTimeouts timeouts, CancellationToken stop, bool waitsForIds = false, CancellationToken nodeStop = default)
    {
        _time = time;
        _timeouts = timeouts;
        _start = time.GetTimestamp();
        _source = new CancellationTokenSource(Min(timeouts.FirstByte, timeouts.Total), time);
        _limit = ("sent nothing for", Min(timeouts.FirstByte, timeouts.Total));
        _waitsForIds = waitsForIds;
        _deactivation = stop.UnsafeRegister(static deadline => ((TurnDeadline)deadline!).OnDeactivation(), this);
        _nodeStop = nodeStop.UnsafeRegister(static deadline => ((TurnDeadline)deadline!).OnNodeStop(), this);
    }

    /// <summary>Cancelled when a timeout is over, when the turn is cancelled, and when the grain is deactivated.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>The error of a turn that this deadline has ended.</summary>
    public Error Error => _isNodeStopping
        ? TurnErrors.NodeStopping
        : new Error(ErrorCode.UpstreamTimeout, $"The bot {_limit.Text} {_limit.Time.TotalSeconds:0.###} s.");

    /// <summary>The upstream has sent something: the idle timeout starts again.</summary>
    public void OnProgress() => SetTimeout(_timeouts.Idle, "was silent for");

    /// <summary>The upstream's ids are known: a deactivation does not wait any longer.</summary>
    public void OnIdsKnown()
    {
        _waitsForIds = false;
        if (_isDeactivating) _source.Cancel();
    }

    /// <summary>Applies only the total timeout from now on: an exchange that was found again may be polled, and shows no progress then.</summary>
    public void UseTotalTimeoutOnly() => SetTimeout(_timeouts.Total, "took longer than");

    /// <summary>Ends the wait: at once, or within a few seconds if the upstream's ids are not known yet.</summary>
    public void Cancel(bool idsAreKnown)
    {
        _isCancelling = true;
        if (idsAreKnown) _source.Cancel();
        else _source.CancelAfter(IdsTimeout);
    }

    public void Dispose()
    {
        _deactivation.Dispose();
        _nodeStop.Dispose();
        _source.Dispose();
    }

    private void OnNodeStop()
    {
        _isNodeStopping = true;
        _source.Cancel();
    }

    private void OnDeactivation()
    {
        _isDeactivating = true;
        if (_waitsForIds) _source.CancelAfter(IdsTimeout);
        else _source.Cancel();
    }

    private void SetTimeout(TimeSpan timeout, string text)
    {
        if (_isCancelling || _isDeactivating || _source.IsCancellationRequested) return;
        var left = _timeouts.Total - _time.GetElapsedTime(_start);
        _limit = left > timeout ? (text, timeout) : ("took longer than", _timeouts.Total);
        _source.CancelAfter(left > timeout ? timeout : left > TimeSpan.Zero ? left : TimeSpan.Zero);
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}

/// <summary>The errors that a conversation itself ends a turn with. Clients read these texts.</summary>
internal static class TurnErrors
{
    public static Error Cancelled { get; } = new(ErrorCode.Cancelled, "The turn was cancelled.");

    public static Error NodeStopping { get; } = new(ErrorCode.Draining, "The node that ran this turn is shutting down. Send the request again.");

    public static Error Conflict { get; } = new(
        ErrorCode.StateConflict, "Another node has changed the conversation at the same time, so the turn was not sent. Send the request again.");

    public static Error NotSaved { get; } = new(ErrorCode.Internal, "The turn could not be saved. Send the request again.");

    /// <summary>The node failed after the intent was saved and before the upstream's ids were.</summary>
    public static Error OutcomeUnknown { get; } = new(
        ErrorCode.UpstreamOutcomeUnknown,
        "The node failed while it was sending the prompt. It is not known whether the bot received it, so it was not sent again.");

    /// <summary>A turn cannot be resumed, because the fleet has changed.</summary>
    public static Error BotRemoved { get; } = new(
        ErrorCode.UpstreamOutcomeUnknown, "The bot or account that was answering is not in the fleet any more, so the rest of the reply cannot be read.");

    /// <summary>A turn waited on another node, and the credential that it needs is not stored.</summary>
    public static Error CredentialLost { get; } = new(
        ErrorCode.Draining,
        "The node that held this turn has stopped before it sent the prompt. The credential of the upstream came with the request and is not stored. "
        + "Send the request again.");

    /// <summary>A turn cannot be resumed, because it needs a credential that is not stored.</summary>
    public static Error CredentialNotStored { get; } = new(
        ErrorCode.UpstreamOutcomeUnknown,
        "The node that ran this turn failed. The credential of the upstream came with the request and is not stored, so the rest of the reply cannot be read.");

    /// <summary>The fleet has changed since the account was chosen.</summary>
    public static Error CredentialMissing { get; } = new(
        ErrorCode.InvalidRequest, "The account of the bot takes the credential of the request, and the request has none for its upstream.",
        RequestCredential.Header);

    /// <summary>
    /// An error of an account that takes credentials from requests. What the upstream says of the credential is about its tenant: the account and the bot serve
    /// other tenants.
    /// </summary>
    public static Error OfCredential(Error error) => error switch
    {
        { Code: ErrorCode.UpstreamUnauthorized } => new Error(
            ErrorCode.UpstreamCredentialRefused, $"The upstream refused the credential that came with the request. {error.Message}"),
        { RecoveryAction: RecoveryAction.RotateAccount } or { Code: ErrorCode.UpstreamNotFound } => error with { OwnRecoveryAction = RecoveryAction.GiveUp },
        _ => error,
    };

    /// <summary>An exception that this code does not expect.</summary>
    public static Error Unexpected { get; } = new(
        ErrorCode.Internal, "The turn failed because of an internal error. The log of the node contains details under the turn's id.");
}
