using CozeCluster.Grains;
using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Discord;

/// <summary>What a janitor stores: every channel that it created or intended to create.</summary>
public sealed class ChannelJanitorState
{
    /// <summary>By owner.</summary>
    public Dictionary<string, OwnedChannel> Channels { get; set; } = [];
}

/// <summary>A channel of this cluster.</summary>
public sealed class OwnedChannel
{
    /// <summary>Its unique name.</summary>
    public string Name { get; set; } = "";

    /// <summary>Snowflake; null while the creation is only intended.</summary>
    public string? ChannelId { get; set; }

    /// <summary>Snowflake of the category that the janitor chose; null if the request named a category id, or none.</summary>
    public string? CategoryId { get; set; }

    /// <summary>When the channel is deleted.</summary>
    public DateTimeOffset DeleteAt { get; set; }

    /// <summary>Whether the channel is no longer used.</summary>
    public bool IsReleased { get; set; }

    /// <summary>How many times Discord has rejected its deletion.</summary>
    public int Refusals { get; set; }
}

/// <summary>
/// Saves the intent before it creates a channel, and deletes channels when they are due: by timer while it is active, by reminder after a crash. A channel that
/// was created, but whose id was not saved, is found again by the end of its name and the mark in its topic.
/// </summary>
[GrainType("channel-janitor"), ActivationCountBasedPlacement]
public sealed partial class ChannelJanitorGrain : Grain, IChannelJanitorGrain, IRemindable
{
    private const int TextKind = 0;
    private const int PublicThreadKind = 11;

    /// <summary>How many times a creation deletes another channel to make room. Others may take the room before the channel is created.</summary>
    private const int MaxEvictions = 5;

    /// <summary>How many categories are tried. A server that is full of categories has ten.</summary>
    private const int MaxCategories = 20;

    /// <summary>
    /// After this time, an intent that has no channel and is not being carried out was interrupted by a crash. Creating a channel may take longer, because of
    /// rate limits: this activation knows what it is creating.
    /// </summary>
    private static readonly TimeSpan IntentLifetime = TimeSpan.FromMinutes(2);

    private readonly IPersistentState<ChannelJanitorState> _state;
    private readonly BackgroundWork _work;
    private readonly string _key;
    private readonly IDiscordApi _discord;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly StateSaver<ChannelJanitorState> _saver;
    private readonly IFleetView _fleet;
    private readonly Dictionary<string, Task<string>> _creations = [];
    private readonly HashSet<string> _evicted = [];
    // Channels whose deletion was requested, by id. It can no longer be stopped.
    private readonly HashSet<string> _beingDeleted = [];

    /// <summary>Called by Orleans.</summary>
    public ChannelJanitorGrain(
        [PersistentState("channel-janitor")] IPersistentState<ChannelJanitorState> state,
        BackgroundWork work,
        IDiscordApi discord,
        IFleetView fleet,
        TimeProvider time,
        ILogger<ChannelJanitorGrain> logger)
    {
        _state = state;
        _work = work;
        _key = work.Key;
        _discord = discord;
        _time = time;
        _logger = logger;
        _saver = new StateSaver<ChannelJanitorState>(state, work);
        _fleet = fleet;
    }

    private Dictionary<string, OwnedChannel> Channels => _state.State.Channels;

    /// <inheritdoc />
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        ScheduleSweep();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => _work.StopAsync();

    /// <inheritdoc />
    public async Task<string> Create(DiscordChannelRequest request)
    {
        if (_creations.TryGetValue(request.Owner, out var creation)) return await creation;
        if (Channels.TryGetValue(request.Owner, out var known) && known.ChannelId is { } id)
        {
            if (!known.IsReleased && !_beingDeleted.Contains(id)) return id;
            // The channel is about to be deleted, or already is. The owner gets a new one.
            Channels.Remove(request.Owner);
            Channels[$"{request.Owner}#{id}"] = known;
        }
        creation = CreateNew(request);
        _creations[request.Owner] = creation;
        try
        {
            return await creation;
        }
        finally
        {
            _creations.Remove(request.Owner);
            // Discord may still execute a request whose response was lost. Only later it is certain whether there is a channel to delete.
            if (Channels.GetValueOrDefault(request.Owner) is { ChannelId: null } intent) intent.DeleteAt = _time.GetUtcNow() + IntentLifetime;
            ScheduleSweep();
        }
    }

    /// <inheritdoc />
    public Task Release(string channelId, TimeSpan? deleteAfter) => Change(channelId, channel =>
    {
        if (deleteAfter is null)
        {
            Forget(channelId);
            return;
        }
        channel.IsReleased = true;
        channel.DeleteAt = _time.GetUtcNow() + deleteAfter.Value;
    });

    /// <inheritdoc />
    public Task Keep(string channelId, TimeSpan lifetime) => Change(channelId, channel =>
    {
        channel.IsReleased = false;
        channel.Refusals = 0;
        channel.DeleteAt = _time.GetUtcNow() + lifetime;
    });

    /// <inheritdoc />
    public async Task Rename(string channelId, string name) => await _discord.RenameChannel(Listener(), channelId, name, CancellationToken.None);

    /// <inheritdoc />
    public async Task Delete(string channelId)
    {
        await _discord.DeleteChannel(Listener(), channelId, CancellationToken.None);
        Forget(channelId);
        await _saver.Save();
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<DiscordChannelInfo>> List() => await _discord.ListChannels(Listener(), CancellationToken.None);

    /// <summary>
    /// The end of the channel's name, by which it is found if its id was lost in a crash. Discord may change what comes before: capitals, spaces.
    /// </summary>
    private static string NameEnding(string owner) => $"-{GrainKeys.Hash("channel", owner)[..8]}";

    /// <summary>Whether a channel was created for an owner. Threads have no topic, so they have no mark.</summary>
    private bool IsOf(string owner, DiscordChannelInfo channel) =>
        channel.Name.EndsWith(NameEnding(owner), StringComparison.Ordinal)
        && (channel.Kind == PublicThreadKind || channel.Topic?.StartsWith(ChannelMarks.Of(_key, owner), StringComparison.Ordinal) == true);

    private async Task<string> CreateNew(DiscordChannelRequest request)
    {
        var listener = Listener();
        // An earlier attempt lost its response or its node, so the channel may exist.
        var mayExist = Channels.ContainsKey(request.Owner);
        var channel = new OwnedChannel
        {
            Name = request.Name + NameEnding(request.Owner),
            DeleteAt = _time.GetUtcNow() + IntentLifetime,
        };
        Channels[request.Owner] = channel;
        var saved = _saver.Save();
        await RegisterReminder();
        await saved;

        var (kind, topic) = request.IsThread
            ? (PublicThreadKind, null)
            : (TextKind, ChannelMarks.Of(_key, request.Owner, request.TenantId));
        var wanted = new DiscordChannelInfo("", channel.Name, request.ParentId, kind, topic);
        var created = mayExist
            ? (await _discord.ListChannels(listener, CancellationToken.None))
                .FirstOrDefault(existing => IsOf(request.Owner, existing) && !_beingDeleted.Contains(existing.Id))
            : null;
        created ??= request.Category is { } category
            ? await CreateInNamedCategory(listener, category, channel, wanted)
            : await CreateInParent(listener, wanted);
        channel.ChannelId = created.Id;
        channel.DeleteAt = _time.GetUtcNow() + request.Lifetime;
        await _saver.Save();
        return created.Id;
    }

    /// <summary>Creates a channel in the category with a given name, or in the next one if that is full.</summary>
    private async Task<DiscordChannelInfo> CreateInNamedCategory(ListenerDefinition listener, string name, OwnedChannel channel, DiscordChannelInfo wanted)
    {
        var categories = GrainFactory.Grain<IGuildCategoriesGrain>(GrainKeys.GuildCategories(listener.GuildId));
        var full = new List<string>();
        for (var attempt = 0; attempt < MaxCategories; attempt++)
        {
            if (await categories.Find(new DiscordCategoryRequest(listener.Id, name, full)) is not { } category)
            {
                if (!await Evict(listener)) break;
                continue;
            }
            // Channels that are being created count too. Channels of other listeners are counted by Discord.
            if (Channels.Values.Count(owned => owned.CategoryId == category) < GuildCategoriesGrain.MaxChannels)
            {
                channel.CategoryId = category;
                if ((await CreateWithEviction(listener, wanted with { ParentId = category })).Channel is { } created) return created;
                channel.CategoryId = null;
            }
            full = [.. full, category];
        }
        throw ServerIsFull();
    }

    /// <summary>Creates a channel in the category that the operator chose, or outside of it if it is full.</summary>
    private async Task<DiscordChannelInfo> CreateInParent(ListenerDefinition listener, DiscordChannelInfo wanted)
    {
        var creation = await CreateWithEviction(listener, wanted);
        if (creation.Result == ChannelCreationResult.CategoryFull) creation = await CreateWithEviction(listener, wanted with { ParentId = null });
        return creation.Channel
            ?? throw new ClusterException(ErrorCode.UpstreamInvalidRequest, $"There is no category {wanted.ParentId} in the Discord server.");
    }

    /// <summary>Creates a channel. If the server is full, deletes released channels first.</summary>
    private async Task<ChannelCreation> CreateWithEviction(ListenerDefinition listener, DiscordChannelInfo wanted)
    {
        for (var evictions = 0; ; evictions++)
        {
            var creation = await _discord.CreateChannel(listener, wanted, CancellationToken.None);
            if (creation.Result != ChannelCreationResult.ServerFull) return creation;
            if (evictions == MaxEvictions || !await Evict(listener)) throw ServerIsFull();
        }
    }

    private static ClusterException ServerIsFull() => new(
        ErrorCode.UpstreamFailed, "The Discord server has the maximum number of channels, and none of this cluster's channels can be deleted.");

    /// <summary>Deletes the released channel that would be deleted first.</summary>
    /// <returns>Whether a channel was deleted.</returns>
    private async Task<bool> Evict(ListenerDefinition listener)
    {
        while (NextToEvict() is { ChannelId: { } id })
        {
            // Concurrent evictions choose another channel. One that cannot be deleted is not tried again.
            _evicted.Add(id);
            if (await TryDelete(listener, id, CancellationToken.None) is not null) continue;
            _evicted.Remove(id);
            Forget(id);
            return true;
        }
        return false;

        OwnedChannel? NextToEvict() => Channels.Values
            .Where(channel => channel is { IsReleased: true, ChannelId: { } id } && !_evicted.Contains(id))
            .MinBy(channel => channel.DeleteAt);
    }

    private async Task Change(string channelId, Action<OwnedChannel> change)
    {
        if (Channels.Values.FirstOrDefault(channel => channel.ChannelId == channelId) is not { } found) return;
        change(found);
        await _saver.Save();
        ScheduleSweep();
    }

    private void Forget(string? channelId)
    {
        foreach (var (owner, channel) in Channels)
        {
            if (channelId is not null && channel.ChannelId == channelId) Channels.Remove(owner);
        }
    }

    private ListenerDefinition Listener() =>
        _fleet.FindListener(_key) ?? throw new ClusterException(ErrorCode.UpstreamUnavailable, $"The fleet has no Discord listener '{_key}'.");
}
