using CozeCluster.Grains;
using Orleans.Placement;

namespace CozeCluster.Discord;

/// <summary>What is stored about the channels of a server.</summary>
public sealed class GuildChannelsState
{
    /// <summary>The tenants for which channels were created, by the ids of the channels.</summary>
    public Dictionary<string, string> Owners { get; set; } = [];

    /// <summary>The newest requests to create a channel, by their ids.</summary>
    public Dictionary<string, RequestedChannel> Requests { get; set; } = [];
}

/// <summary>A channel that was requested.</summary>
public sealed class RequestedChannel
{
    /// <summary>The newest snowflake of the server before the channel was created.</summary>
    public string After { get; set; } = "";

    /// <summary>Snowflake; null while the creation is only intended.</summary>
    public string? ChannelId { get; set; }
}

/// <summary>
/// Checks every request against a list of the server's channels: an id that is not in it belongs to another server, or to nothing. Where several tenants use
/// the server, a tenant has only the channels that were created for it, and may also post where its bots are configured to post. The intent to create a channel
/// is saved first, so that a request that is repeated after a crash finds the channel that it has created.
/// </summary>
[GrainType("guild-channels"), ActivationCountBasedPlacement]
public sealed class GuildChannelsGrain : Grain, IGuildChannelsGrain
{
    /// <summary>The maximum number of channels that are remembered. A server has 500 channels and 1,000 active threads.</summary>
    internal const int MaxOwners = 2_000;

    /// <summary>The number of requests that are remembered. A request is repeated within minutes, or not at all.</summary>
    private const int MaxRequests = 100;

    private const int MaxNameLength = 100;
    private static readonly int[] KindsOfMessages = [0, 5, 10, 11, 12];

    /// <summary>A list is used for so long. An unknown id costs no more than two calls of Discord in this time.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(5);

    private readonly IPersistentState<GuildChannelsState> _state;
    private readonly StateSaver<GuildChannelsState> _saver;
    private readonly IDiscordApi _discord;
    private readonly IFleetView _fleet;
    private readonly TimeProvider _time;
    private readonly string _guildId;
    private Dictionary<string, DiscordChannelInfo> _channels = [];
    private Task<Dictionary<string, DiscordChannelInfo>>? _listing;
    private long? _listedAt;

    /// <summary>Called by Orleans.</summary>
    public GuildChannelsGrain(
        [PersistentState("guild-channels")] IPersistentState<GuildChannelsState> state,
        BackgroundWork work,
        IDiscordApi discord,
        IFleetView fleet,
        TimeProvider time)
    {
        _state = state;
        _saver = new StateSaver<GuildChannelsState>(state, work);
        _guildId = work.Key;
        _discord = discord;
        _fleet = fleet;
        _time = time;
    }

    private Dictionary<string, string> Owners => _state.State.Owners;

    /// <inheritdoc />
    public async Task<bool> MayUse(GuildAccess access, string channelId)
    {
        if (!IsSnowflake(channelId) || await Find(access, channelId, canBeOld: true) is not { } channel) return false;
        // Channels of turns are read by nobody but their own conversation, and are deleted without notice.
        if (!KindsOfMessages.Contains(channel.Kind) || ChannelMarks.Has(channel)) return false;
        return !access.IsShared || Owners.GetValueOrDefault(channelId) == access.TenantId || access.Channels.Contains(channelId);
    }

    /// <inheritdoc />
    public async Task<GuildChannel> Create(GuildAccess access, NewGuildChannel channel)
    {
        if (channel.Name.Length is 0 or > MaxNameLength)
            throw new ClusterException(ErrorCode.InvalidRequest, $"The name of a channel has 1 to {MaxNameLength} characters.", "name");
        var repeated = _state.State.Requests.GetValueOrDefault(channel.RequestId);
        if (repeated?.ChannelId is { } earlier) return new GuildChannel(earlier, channel.Name);
        await CheckParent(access, channel);
        if (repeated is not null && await FindCreated(access, channel, repeated.After) is { } found) return await Remember(access, channel, found);
        if (repeated is null) await SaveIntent(access, channel.RequestId);
        var wanted = new DiscordChannelInfo("", channel.Name, channel.ParentId, (int)channel.Kind, null) { ArchiveMinutes = channel.ArchiveMinutes };
        var creation = await _discord.CreateChannel(Listener(access), wanted, CancellationToken.None);
        if (creation.Channel is not { } created)
        {
            throw creation.Result switch
            {
                ChannelCreationResult.ServerFull => new ClusterException(ErrorCode.UpstreamFailed, "The Discord server has the maximum number of channels."),
                ChannelCreationResult.CategoryFull => new ClusterException(ErrorCode.UpstreamFailed, "The category has the maximum number of channels."),
                _ => new ClusterException(ErrorCode.InvalidRequest, "The parent is not a category of the Discord server.", "parentId"),
            };
        }
        return await Remember(access, channel, created);
    }

    /// <inheritdoc />
    public async Task Delete(GuildAccess access, string channelId)
    {
        if (!IsSnowflake(channelId) || await Find(access, channelId, canBeOld: false) is not { } channel || !IsOwn(access, channel))
            throw new ClusterException(ErrorCode.NotFound, "There is no such channel, or it was not created for this tenant.", "id");
        await _discord.DeleteChannel(Listener(access), channelId, CancellationToken.None);
        _channels.Remove(channelId);
        if (Owners.Remove(channelId)) await _saver.Save();
    }

    /// <inheritdoc />
    public Task<int> DeleteTurnChannels(GuildAccess access)
    {
        // Only to check the listener.
        var listener = Listener(access);
        return GrainFactory.Grain<IChannelJanitorGrain>(GrainKeys.ChannelJanitor(listener.Id)).DeleteOf(access.TenantId);
    }

    private static bool IsSnowflake(string id) => id.Length is > 0 and <= 20 && id.All(char.IsAsciiDigit);

    private bool IsOwn(GuildAccess access, DiscordChannelInfo channel) =>
        !access.IsShared || Owners.GetValueOrDefault(channel.Id) == access.TenantId || ChannelMarks.IsOf(channel, null, access.TenantId);

    private async Task CheckParent(GuildAccess access, NewGuildChannel channel)
    {
        if (channel.Kind == GuildChannelKind.Thread)
        {
            if (channel.ParentId is { } parent && await MayUse(access, parent)) return;
            throw new ClusterException(ErrorCode.InvalidRequest, "The Discord server has no such channel, or this tenant may not use it.", "channelId");
        }
        if (channel.ParentId is not { } category) return;
        if (channel.Kind == GuildChannelKind.Text && IsSnowflake(category) && await Find(access, category, canBeOld: true) is { Kind: 4 }) return;
        throw new ClusterException(ErrorCode.InvalidRequest, "The parent is not a category of the Discord server.", "parentId");
    }

    private async Task SaveIntent(GuildAccess access, string requestId)
    {
        var newest = Ascending((await List(access)).Keys).LastOrDefault("");
        var requests = _state.State.Requests;
        // The oldest ones are those whose channels are the oldest.
        foreach (var id in requests.OrderBy(request => request.Value.After.Length).ThenBy(request => request.Value.After, StringComparer.Ordinal)
                     .Take(requests.Count - MaxRequests + 1).Select(request => request.Key).ToList())
        {
            requests.Remove(id);
        }
        requests[requestId] = new RequestedChannel { After = newest };
        await _saver.Save();
    }

    /// <summary>The channel that an earlier attempt has created, whose response was lost.</summary>
    private async Task<DiscordChannelInfo?> FindCreated(GuildAccess access, NewGuildChannel wanted, string after)
    {
        var channels = await List(access);
        return Ascending(channels.Keys.Where(id => !Owners.ContainsKey(id)).Append(after)).SkipWhile(id => id != after).Skip(1)
            .Select(id => channels[id])
            .FirstOrDefault(channel => channel.Kind == (int)wanted.Kind && channel.ParentId == wanted.ParentId && IsNamed(channel.Name, wanted.Name));

        // Discord changes capitals and spaces.
        static bool IsNamed(string actual, string wanted) =>
            string.Equals(actual.Replace('-', ' '), wanted.Replace('-', ' '), StringComparison.OrdinalIgnoreCase);
    }

    private async Task<GuildChannel> Remember(GuildAccess access, NewGuildChannel channel, DiscordChannelInfo created)
    {
        _channels[created.Id] = created;
        Owners[created.Id] = access.TenantId;
        if (_state.State.Requests.GetValueOrDefault(channel.RequestId) is { } request) request.ChannelId = created.Id;
        if (Owners.Count > MaxOwners)
        {
            var existing = await List(access);
            foreach (var id in Owners.Keys.Where(id => id != created.Id && !existing.ContainsKey(id)).ToList()) Owners.Remove(id);
        }
        foreach (var id in Ascending(Owners.Keys).Take(Owners.Count - MaxOwners).ToList()) Owners.Remove(id);
        await _saver.Save();
        return new GuildChannel(created.Id, created.Name);
    }

    /// <summary>From the oldest to the newest: snowflakes grow with time.</summary>
    private static IEnumerable<string> Ascending(IEnumerable<string> ids) => ids.OrderBy(id => id.Length).ThenBy(id => id, StringComparer.Ordinal);

    private async Task<DiscordChannelInfo?> Find(GuildAccess access, string channelId, bool canBeOld)
    {
        var isFresh = _listedAt is { } listedAt && _time.GetElapsedTime(listedAt) < MaxAge;
        if (canBeOld && _channels.TryGetValue(channelId, out var known)) return known;
        if (canBeOld && isFresh) return null;
        return (await List(access)).GetValueOrDefault(channelId);
    }

    private Task<Dictionary<string, DiscordChannelInfo>> List(GuildAccess access)
    {
        if (_listing is { IsCompleted: false } listing) return listing;
        return _listing = ListOnce(Listener(access));
    }

    private async Task<Dictionary<string, DiscordChannelInfo>> ListOnce(ListenerDefinition listener)
    {
        var requestedAt = _time.GetTimestamp();
        var channels = await _discord.ListChannels(listener, CancellationToken.None);
        _channels = channels.DistinctBy(channel => channel.Id).ToDictionary(channel => channel.Id);
        _listedAt = requestedAt;
        return _channels;
    }

    private ListenerDefinition Listener(GuildAccess access) =>
        _fleet.FindListener(access.ListenerId) is { } listener && listener.GuildId == _guildId
            ? listener
            : throw new ClusterException(ErrorCode.UpstreamUnavailable, $"The fleet has no Discord listener '{access.ListenerId}' in this server.");
}
