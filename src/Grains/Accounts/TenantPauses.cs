namespace CozeCluster.Grains;

/// <summary>
/// The pauses of one account that hold for one tenant each. What a prompt can cause, such as a refusal of a request that is too large for the upstream's rate
/// limit, stops the account for the tenant of that prompt only, until turns of another tenant fail as well and none has succeeded in between.
/// </summary>
internal sealed class TenantPauses(TimeProvider time)
{
    private const int MaxTenants = 1_000;

    private readonly Dictionary<string, (Error Error, DateTimeOffset Until)> _pauses = [];
    private readonly HashSet<string> _failedSinceSuccess = [];

    /// <summary>Whether a prompt can cause this error. If the upstream says until when the account has to wait, the account itself is the reason.</summary>
    public static bool CanPromptCause(Error error) =>
        error is { Until: null, Code: ErrorCode.UpstreamForbidden or ErrorCode.UpstreamRateLimited };

    /// <summary>Why the account is not used for a tenant now; null if it is.</summary>
    public (Error Error, DateTimeOffset Until)? Find(string? tenantId) =>
        tenantId is not null && _pauses.TryGetValue(tenantId, out var pause) && pause.Until > time.GetUtcNow() ? pause : null;

    /// <summary>Records a failure of a tenant's turn. Turns that run at the same time do not lengthen the pause.</summary>
    /// <returns>Whether turns of other tenants have failed too, so that the account is the reason.</returns>
    public bool Add(string tenantId, Error error, DateTimeOffset until)
    {
        if (_failedSinceSuccess.Count >= MaxTenants) _failedSinceSuccess.Clear();
        _failedSinceSuccess.Add(tenantId);
        if (_failedSinceSuccess.Count > 1) return true;
        if (_pauses.Count >= MaxTenants) _pauses.Clear();
        if (Find(tenantId) is null) _pauses[tenantId] = (error, until);
        return false;
    }

    /// <summary>Records that a turn succeeded, so the account works.</summary>
    public void RecordSuccess() => _failedSinceSuccess.Clear();

    /// <summary>Forgets everything, because the account has another credential.</summary>
    public void Clear()
    {
        _pauses.Clear();
        _failedSinceSuccess.Clear();
    }
}
