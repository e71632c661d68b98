using System.Collections.Concurrent;
using System.Threading.Channels;
using CozeCluster.Messages;

namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>A Discord without messages: its channels, and gateway connections that the test plays.</summary>
public sealed class FakeDiscord : IDiscord
{
    private readonly Channel<FakeConnection> _connections = Channel.CreateUnbounded<FakeConnection>();
    private int _made;

    /// <summary>Channels by id.</summary>
    public ConcurrentDictionary<string, DiscordChannelInfo> Channels { get; } = new();

    /// <summary>How many channels the server may have.</summary>
    public int MostChannels { get; set; } = 500;

    /// <summary>Thrown by the next calls that make a channel, after it was made; null lets one through.</summary>
    public ConcurrentQueue<ClusterException?> LostAnswers { get; } = new();

    /// <summary>Channels that cannot be deleted.</summary>
    public ConcurrentDictionary<string, bool> Stuck { get; } = new();

    /// <summary>Thrown by the next posts; null lets one through.</summary>
    public ConcurrentQueue<ClusterException?> Refusals { get; } = new();

    /// <summary>What was posted.</summary>
    public ConcurrentQueue<DiscordPost> Posts { get; } = new();

    public Task<FakeConnection> NextConnection() => _connections.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    public async Task<string> Connect(
        ListenerDefinition listener, int shard, ChannelWriter<DiscordEvent> events, Action<DiscordSessionHealth> health, Func<CancellationToken, Task> own, CancellationToken cancellationToken)
    {
        await own(cancellationToken);
        var connection = new FakeConnection(listener, shard, events, health);
        _connections.Writer.TryWrite(connection);
        return await connection.Refused.Task.WaitAsync(cancellationToken);
    }

    public Task<DiscordPosted> Post(AccountDefinition account, DiscordPost post, CancellationToken cancellationToken)
    {
        if (Refusals.TryDequeue(out var refusal) && refusal is not null) throw refusal;
        Posts.Enqueue(post);
        return Task.FromResult(new DiscordPosted($"{1000 + Posts.Count}", post.ChannelId, account.Id));
    }

    public Task DeleteMessage(ListenerDefinition listener, string channelId, string messageId, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<IReadOnlyList<DiscordMessageSeen>> ReadAfter(ListenerDefinition listener, string channelId, string afterMessageId, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<DiscordMessageSeen>>([]);

    public Task<DiscordMessageSeen?> Read(ListenerDefinition listener, string channelId, string messageId, CancellationToken cancellationToken) =>
        Task.FromResult<DiscordMessageSeen?>(null);

    public Task<IReadOnlyList<DiscordChannelInfo>> ListChannels(ListenerDefinition listener, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<DiscordChannelInfo>>([.. Channels.Values]);

    public Task<DiscordChannelInfo?> CreateChannel(ListenerDefinition listener, DiscordChannelInfo channel, CancellationToken cancellationToken)
    {
        if (Channels.Count >= MostChannels) return Task.FromResult<DiscordChannelInfo?>(null);
        // As Discord does, with channels and not with threads.
        var made = channel with { Id = $"{Interlocked.Increment(ref _made)}", Name = channel.Kind == 0 ? channel.Name.ToLowerInvariant().Replace(' ', '-') : channel.Name };
        Channels[made.Id] = made;
        if (LostAnswers.TryDequeue(out var lost) && lost is not null) throw lost;
        return Task.FromResult<DiscordChannelInfo?>(made);
    }

    public Task RenameChannel(ListenerDefinition listener, string channelId, string name, CancellationToken cancellationToken)
    {
        Channels[channelId] = Channels[channelId] with { Name = name };
        return Task.CompletedTask;
    }

    public Task DeleteChannel(ListenerDefinition listener, string channelId, CancellationToken cancellationToken)
    {
        if (Stuck.ContainsKey(channelId)) throw new ClusterException(ErrorCode.UpstreamForbidden, "The listener may not delete that.");
        Channels.TryRemove(channelId, out _);
        return Task.CompletedTask;
    }
}

/// <summary>A gateway connection, from Discord's side.</summary>
public sealed class FakeConnection(ListenerDefinition listener, int shard, ChannelWriter<DiscordEvent> events, Action<DiscordSessionHealth> health)
{
    public ListenerDefinition Listener => listener;

    public int Shard => shard;

    public TaskCompletionSource<string> Refused { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Become(string state, string? reason = null) => health(new DiscordSessionHealth(state, reason, DateTimeOffset.UnixEpoch));

    public void Happens(params DiscordEvent[] all)
    {
        foreach (var one in all) Assert.True(events.TryWrite(one));
    }
}
