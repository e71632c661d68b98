using System.Collections.Concurrent;
using CozeCluster.Discord;

namespace CozeCluster.Silo.Tests.Fleets;

/// <summary>Stands for listeners' sessions and janitors: keeps what they were asked to do.</summary>
internal sealed class RecordingListeners
{
    private readonly ConcurrentQueue<string> _calls = new();

    /// <summary>What was asked, as <c>connect ear.0</c> or <c>sweep ear</c>.</summary>
    public IReadOnlyCollection<string> Calls => _calls;

    /// <summary>Keys that refuse what they are asked.</summary>
    public HashSet<string> Refusing { get; } = [];

    public IGrainWithStringKey Of(string key) => new One(this, key);

    private Task Note(string call, string key)
    {
        _calls.Enqueue($"{call} {key}");
        return Refusing.Contains(key) ? Task.FromException(new ClusterException(ErrorCode.CallRejected, "not now")) : Task.CompletedTask;
    }

    private sealed class One(RecordingListeners listeners, string key) : IDiscordSessionGrain, IChannelJanitorGrain
    {
        public async Task<DiscordSessionHealth> Connect()
        {
            await listeners.Note("connect", key);
            return new DiscordSessionHealth("connecting", null, default);
        }

        public Task Sweep() => listeners.Note("sweep", key);

        public Task Watch(DiscordWatch watch, IDiscordObserver observer) => throw new NotSupportedException();

        public Task Unwatch(string watchId) => throw new NotSupportedException();

        public Task<bool> IsWatching(string watchId) => throw new NotSupportedException();

        public Task TakeLease() => throw new NotSupportedException();

        public Task<string> Create(DiscordChannelRequest request) => throw new NotSupportedException();

        public Task Release(string channelId, TimeSpan? deleteAfter) => throw new NotSupportedException();

        public Task Keep(string channelId, TimeSpan lifetime) => throw new NotSupportedException();

        public Task Rename(string channelId, string name) => throw new NotSupportedException();

        public Task Delete(string channelId) => throw new NotSupportedException();

        public Task<IReadOnlyList<DiscordChannelInfo>> List() => throw new NotSupportedException();
    }
}
