using CozeCluster.Gateway.Http;

namespace CozeCluster.Gateway.Replies;

/// <summary>
/// The replies that clients of this process are waiting for, by the key of their request. When a key is revoked, its replies end with an error. Thread-safe.
/// </summary>
internal sealed class RunningReplies : IDisposable
{
    private static readonly Error Revoked = new(ErrorCode.InvalidApiKey, "The API key was revoked.");

    private readonly IFleetView _fleet;
    private readonly IDisposable _subscription;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, HashSet<ReplyReader>> _readers = [];

    public RunningReplies(IFleetView fleet)
    {
        _fleet = fleet;
        _subscription = fleet.Subscribe(OnChange);
    }

    /// <summary>Registers the reader of a reply until the result is disposed.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.InvalidApiKey"/>: the key was revoked since the request was authenticated. <see cref="ErrorCode.CallRejected"/>: see
    /// <see cref="IFleetView"/>.
    /// </exception>
    public IDisposable Add(RequestKey key, ReplyReader reader)
    {
        lock (_gate)
        {
            if (!_readers.TryGetValue(key.Hash, out var readers)) _readers[key.Hash] = readers = [];
            readers.Add(reader);
        }
        var registration = new Registration(this, key.Hash, reader);
        try
        {
            // Read after the registration: a change before that was not reported to this reader.
            if (key.IsAnonymous || (_fleet.FindKey(key.Hash) is { } info && info.TenantId == key.TenantId && info is { Admin: false, Disabled: false }))
                return registration;
            throw Revoked.ToException();
        }
        catch
        {
            registration.Dispose();
            throw;
        }
    }

    public void Dispose() => _subscription.Dispose();

    private void OnChange(FleetChange change)
    {
        foreach (var hash in change.RevokedKeys)
        {
            foreach (var reader in Find(hash)) reader.EndEarly(Revoked);
        }
    }

    private IReadOnlyList<ReplyReader> Find(string hash)
    {
        lock (_gate) return _readers.TryGetValue(hash, out var readers) ? [.. readers] : [];
    }

    private void Remove(string hash, ReplyReader reader)
    {
        lock (_gate)
        {
            if (_readers.TryGetValue(hash, out var readers) && readers.Remove(reader) && readers.Count == 0) _readers.Remove(hash);
        }
    }

    private sealed class Registration(RunningReplies replies, string hash, ReplyReader reader) : IDisposable
    {
        public void Dispose() => replies.Remove(hash, reader);
    }
}
