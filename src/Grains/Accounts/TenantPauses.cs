namespace CozeCluster.Grains;

/// <summary>
/// Pauses of one account, each for one tenant. An error that a prompt can cause pauses the account only for the tenant of that prompt. The account is paused
/// for all tenants when turns of another tenant fail too and no turn has succeeded in between.
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
