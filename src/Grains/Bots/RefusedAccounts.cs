namespace CozeCluster.Grains;

/// <summary>The accounts that the upstream has refused together with one bot, for example in the bot's channel. Other bots still use them.</summary>
internal sealed class RefusedAccounts(TimeProvider time)
{
    // How long an account is not used if the upstream does not say until when.
    private static readonly TimeSpan RateLimitPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RefusalPause = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, Refusal> _refusals = [];

    /// <summary>Records that the upstream refused an account.</summary>
    public void Add(string accountId, Error error)
    {
        var pause = error.Code == ErrorCode.UpstreamRateLimited ? RateLimitPause : RefusalPause;
        _refusals[accountId] = new Refusal(accountId, error, error.Until ?? time.GetUtcNow() + pause);
    }

    /// <summary>Records that the account works.</summary>
    public void Remove(string accountId) => _refusals.Remove(accountId);

    /// <summary>Why the account is not used at the moment; null if it is.</summary>
    public Refusal? Find(string accountId)
    {
        if (!_refusals.TryGetValue(accountId, out var refusal)) return null;
        if (refusal.Until > time.GetUtcNow()) return refusal;
        _refusals.Remove(accountId);
        return null;
    }
}
