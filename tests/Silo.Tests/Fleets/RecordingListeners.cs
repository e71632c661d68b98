using System.Collections.Concurrent;
using CozeCluster.Discord;

namespace CozeCluster.Silo.Tests.Fleets;

/// <summary>Fake Discord session and channel janitor grains that record their calls.</summary>
internal sealed class RecordingListeners
{
    private readonly ConcurrentQueue<string> _calls = new();

    /// <summary>The calls, as <c>connect ear.0</c> or <c>sweep ear</c>.</summary>
    public IReadOnlyCollection<string> Calls => _calls;

    /// <summary>Keys of grains whose calls fail.</summary>
    public HashSet<string> Failing { get; } = [];

    public IGrainWithStringKey Of(string key) => new FakeListenerGrain(this, key);

    private Task Record(string call, string key)
    {
        _calls.Enqueue($"{call} {key}");
        return Failing.Contains(key) ? Task.FromException(new ClusterException(ErrorCode.CallRejected, "not now")) : Task.CompletedTask;
    }

    private sealed class FakeListenerGrain(RecordingListeners listeners, string key) : IDiscordSessionGrain, IChannelJanitorGrain
    {
        public async Task<DiscordSessionHealth> Connect()
        {
            await listeners.Record("connect", key);
            return new DiscordSessionHealth("connecting", null, default);
        }

        public Task Sweep() => listeners.Record("sweep", key);

        public Task Watch(DiscordWatch watch, IDiscordObserver observer, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task Unwatch(string watchId) => throw new NotSupportedException();

        public Task<bool> IsWatching(string watchId) => throw new NotSupportedException();

        public Task TakeLease() => throw new NotSupportedException();

        public Task<string> Create(DiscordChannelRequest request) => throw new NotSupportedException();

        public Task Release(string channelId, TimeSpan? deleteAfter) => throw new NotSupportedException();

        public Task Keep(string channelId, TimeSpan lifetime) => throw new NotSupportedException();

        public Task Rename(string channelId, string name) => throw new NotSupportedException();

        public Task Delete(string channelId) => throw new NotSupportedException();

        public Task<int> DeleteOf(string tenantId) => throw new NotSupportedException();

        public Task<IReadOnlyList<DiscordChannelInfo>> List() => throw new NotSupportedException();
    }
}
