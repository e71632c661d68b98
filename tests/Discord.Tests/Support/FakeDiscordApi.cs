using System.Collections.Concurrent;
using System.Globalization;
using System.Threading.Channels;

namespace CozeCluster.Discord.Tests;

/// <summary>A Discord without messages: it has channels, and gateway connections that the test plays.</summary>
public sealed class FakeDiscordApi : IDiscordApi
{
    private readonly Channel<FakeConnection> _connections = Channel.CreateUnbounded<FakeConnection>();
    private int _created;
    private int _listCount;
    private int _deletionCount;

    /// <summary>Channels by id.</summary>
    public ConcurrentDictionary<string, DiscordChannelInfo> Channels { get; } = new();

    /// <summary>The maximum number of channels of the server.</summary>
    public int MaxChannels { get; set; } = 500;

    /// <summary>The maximum number of channels of a category.</summary>
    public int MaxInCategory { get; set; } = 50;

    /// <summary>How often the server's channels were listed.</summary>
    public int ListCount => _listCount;

    /// <summary>Categories, oldest first.</summary>
    public IReadOnlyList<DiscordChannelInfo> Categories =>
        [.. Channels.Values.Where(channel => channel.Kind == 4).OrderBy(channel => int.Parse(channel.Id, CultureInfo.InvariantCulture))];

    /// <summary>Delays the responses to creations, after the channel was created.</summary>
    public Task ResponseDelay { get; set; } = Task.CompletedTask;

    /// <summary>Delays deletions.</summary>
    public Task DeletionDelay { get; set; } = Task.CompletedTask;

    /// <summary>The next creations throw these, before a channel is created.</summary>
    public ConcurrentQueue<ClusterException> CreateErrors { get; } = new();

    /// <summary>The next creations throw these after the channel was created; null lets one succeed.</summary>
    public ConcurrentQueue<ClusterException?> LostResponses { get; } = new();

    /// <summary>Channels that cannot be deleted, by id.</summary>
    public ConcurrentDictionary<string, bool> Undeletable { get; } = new();

    /// <summary>How many deletions were requested.</summary>
    public int DeletionCount => _deletionCount;

    public Task<FakeConnection> NextConnection() => _connections.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    public async Task<string> Connect(
        ListenerDefinition listener,
        int shard,
        ChannelWriter<DiscordEvent> events,
        Action<DiscordSessionHealth> onHealth,
        Func<CancellationToken, Task> takeLease,
        CancellationToken cancellationToken)
    {
        await takeLease(cancellationToken);
        var connection = new FakeConnection(listener, shard, events, onHealth);
        _connections.Writer.TryWrite(connection);
        return await connection.Rejection.Task.WaitAsync(cancellationToken);
    }

    public Task DeleteMessage(ListenerDefinition listener, string channelId, string messageId, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<IReadOnlyList<DiscordMessageSeen>> ReadAfter(
        ListenerDefinition listener, string channelId, string afterMessageId, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<DiscordMessageSeen>>([]);

    public Task<DiscordMessageSeen?> Read(ListenerDefinition listener, string channelId, string messageId, CancellationToken cancellationToken) =>
        Task.FromResult<DiscordMessageSeen?>(null);

    public Task<ReadOnlyMemory<byte>> Download(ListenerDefinition listener, string url, CancellationToken cancellationToken) =>
        throw new ClusterException(ErrorCode.FetchFailed, "There are no files.");

    public Task<IReadOnlyList<DiscordChannelInfo>> ListChannels(ListenerDefinition listener, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _listCount);
        return Task.FromResult<IReadOnlyList<DiscordChannelInfo>>([.. Channels.Values]);
    }

    public async Task<ChannelCreation> CreateChannel(ListenerDefinition listener, DiscordChannelInfo channel, CancellationToken cancellationToken)
    {
        if (CreateErrors.TryDequeue(out var refusal)) throw refusal;
        if (Channels.Count >= MaxChannels) return new ChannelCreation(ChannelCreationResult.ServerFull);
        if (channel is { Kind: 0, ParentId: { } parent })
        {
            if (!Channels.ContainsKey(parent)) return new ChannelCreation(ChannelCreationResult.CategoryMissing);
            if (Channels.Values.Count(one => one.ParentId == parent) >= MaxInCategory) return new ChannelCreation(ChannelCreationResult.CategoryFull);
        }
        // Discord changes the names of channels in this way, but not those of threads.
        var name = channel.Kind == 0 ? channel.Name.ToLowerInvariant().Replace(' ', '-') : channel.Name;
        var created = channel with { Id = $"{Interlocked.Increment(ref _created)}", Name = name };
        Channels[created.Id] = created;
        if (LostResponses.TryDequeue(out var lost) && lost is not null) throw lost;
        await ResponseDelay;
        return new ChannelCreation(ChannelCreationResult.Created, created);
    }

    public Task RenameChannel(ListenerDefinition listener, string channelId, string name, CancellationToken cancellationToken)
    {
        Channels[channelId] = Channels[channelId] with { Name = name };
        return Task.CompletedTask;
    }

    public async Task DeleteChannel(ListenerDefinition listener, string channelId, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _deletionCount);
        await DeletionDelay;
        if (Undeletable.ContainsKey(channelId)) throw new ClusterException(ErrorCode.UpstreamForbidden, "The listener may not delete this channel.");
        Channels.TryRemove(channelId, out _);
    }
}

/// <summary>A gateway connection whose Discord side the test plays.</summary>
public sealed class FakeConnection(ListenerDefinition listener, int shard, ChannelWriter<DiscordEvent> events, Action<DiscordSessionHealth> health)
{
    public ListenerDefinition Listener => listener;

    public int Shard => shard;

    public TaskCompletionSource<string> Rejection { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void SetState(string state, string? reason = null) => health(new DiscordSessionHealth(state, reason, DateTimeOffset.UnixEpoch));

    public void Publish(params DiscordEvent[] all)
    {
        foreach (var e in all) Assert.True(events.TryWrite(e));
    }
}
