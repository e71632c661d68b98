using System.Collections.Concurrent;
using System.Globalization;
using System.Threading.Channels;

namespace CozeCluster.Discord.Tests;

/// <summary>A Discord without messages: its channels, and gateway connections that the test plays.</summary>
public sealed class FakeDiscordApi : IDiscordApi
{
    private readonly Channel<FakeConnection> _connections = Channel.CreateUnbounded<FakeConnection>();
    private int _made;
    private int _lists;
    private int _deletions;

    /// <summary>Channels by id.</summary>
    public ConcurrentDictionary<string, DiscordChannelInfo> Channels { get; } = new();

    /// <summary>How many channels the server may have.</summary>
    public int MostChannels { get; set; } = 500;

    /// <summary>How many channels a category may have.</summary>
    public int MostInCategory { get; set; } = 50;

    /// <summary>How often the server's channels were listed.</summary>
    public int Lists => _lists;

    /// <summary>Categories, oldest first.</summary>
    public IReadOnlyList<DiscordChannelInfo> Categories => [.. Channels.Values.Where(channel => channel.Kind == 4).OrderBy(channel => int.Parse(channel.Id, CultureInfo.InvariantCulture))];

    /// <summary>Holds back the answers of calls that make something, once it was made.</summary>
    public Task Answers { get; set; } = Task.CompletedTask;

    /// <summary>What the next calls that make a channel are refused with, before anything is made.</summary>
    public ConcurrentQueue<ClusterException> CreateRefusals { get; } = new();

    /// <summary>Thrown by the next calls that make a channel, after it was made; null lets one through.</summary>
    public ConcurrentQueue<ClusterException?> LostAnswers { get; } = new();

    /// <summary>Channels that cannot be deleted.</summary>
    public ConcurrentDictionary<string, bool> Stuck { get; } = new();

    /// <summary>How often a channel was to be deleted.</summary>
    public int Deletions => _deletions;

    public Task<FakeConnection> NextConnection() => _connections.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    public async Task<string> Connect(
        ListenerDefinition listener, int shard, ChannelWriter<DiscordEvent> events, Action<DiscordSessionHealth> onHealth, Func<CancellationToken, Task> takeLease, CancellationToken cancellationToken)
    {
        await takeLease(cancellationToken);
        var connection = new FakeConnection(listener, shard, events, onHealth);
        _connections.Writer.TryWrite(connection);
        return await connection.Refused.Task.WaitAsync(cancellationToken);
    }

    public Task DeleteMessage(ListenerDefinition listener, string channelId, string messageId, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<IReadOnlyList<DiscordMessageSeen>> ReadAfter(ListenerDefinition listener, string channelId, string afterMessageId, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<DiscordMessageSeen>>([]);

    public Task<DiscordMessageSeen?> Read(ListenerDefinition listener, string channelId, string messageId, CancellationToken cancellationToken) =>
        Task.FromResult<DiscordMessageSeen?>(null);

    public Task<IReadOnlyList<DiscordChannelInfo>> ListChannels(ListenerDefinition listener, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _lists);
        return Task.FromResult<IReadOnlyList<DiscordChannelInfo>>([.. Channels.Values]);
    }

    public async Task<ChannelCreation> CreateChannel(ListenerDefinition listener, DiscordChannelInfo channel, CancellationToken cancellationToken)
    {
        if (CreateRefusals.TryDequeue(out var refusal)) throw refusal;
        if (Channels.Count >= MostChannels) return new ChannelCreation(ChannelCreationResult.ServerFull);
        if (channel is { Kind: 0, ParentId: { } parent })
        {
            if (!Channels.ContainsKey(parent)) return new ChannelCreation(ChannelCreationResult.CategoryMissing);
            if (Channels.Values.Count(one => one.ParentId == parent) >= MostInCategory) return new ChannelCreation(ChannelCreationResult.CategoryFull);
        }
        // As Discord does, with channels and not with threads.
        var made = channel with { Id = $"{Interlocked.Increment(ref _made)}", Name = channel.Kind == 0 ? channel.Name.ToLowerInvariant().Replace(' ', '-') : channel.Name };
        Channels[made.Id] = made;
        if (LostAnswers.TryDequeue(out var lost) && lost is not null) throw lost;
        await Answers;
        return new ChannelCreation(ChannelCreationResult.Created, made);
    }

    public Task RenameChannel(ListenerDefinition listener, string channelId, string name, CancellationToken cancellationToken)
    {
        Channels[channelId] = Channels[channelId] with { Name = name };
        return Task.CompletedTask;
    }

    public Task DeleteChannel(ListenerDefinition listener, string channelId, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _deletions);
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
