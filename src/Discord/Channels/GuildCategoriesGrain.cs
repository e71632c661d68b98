using CozeCluster.Grains;
using Orleans.Placement;

namespace CozeCluster.Discord;

/// <summary>What is stored of a server's categories.</summary>
public sealed class GuildCategoriesState
{
    /// <summary>Those that this cluster made or meant to make, by name.</summary>
    public Dictionary<string, MadeCategory> Made { get; set; } = [];
}

/// <summary>A category of ours.</summary>
public sealed class MadeCategory
{
    /// <summary>Snowflake; null while it is only meant to be made.</summary>
    public string? Id { get; set; }

    /// <summary>When that was meant.</summary>
    public DateTimeOffset At { get; set; }
}

/// <summary>
/// Looks before it makes, and one call at a time. An intent is saved first: if nobody heard whether Discord made the category, that is given time to show before it is looked for again.
/// Categories are never deleted.
/// </summary>
[GrainType("guild-categories"), ActivationCountBasedPlacement]
public sealed class GuildCategoriesGrain : Grain, IGuildCategoriesGrain
{
    /// <summary>How many channels Discord takes in a category.</summary>
    internal const int Room = 50;

    private const int Category = 4;

    /// <summary>After that a category whose making was not answered is there, or never will be.</summary>
    private static readonly TimeSpan Settles = TimeSpan.FromSeconds(5);

    private readonly IPersistentState<GuildCategoriesState> _state;
    private readonly StateSaver<GuildCategoriesState> _saver;
    private readonly IDiscordApi _discord;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, string> _current = [];

    /// <summary>Made by Orleans.</summary>
    public GuildCategoriesGrain([PersistentState("guild-categories")] IPersistentState<GuildCategoriesState> state, BackgroundWork work, IDiscordApi discord, TimeProvider time)
    {
        _state = state;
        _saver = new StateSaver<GuildCategoriesState>(state, work);
        _discord = discord;
        _time = time;
    }

    private Dictionary<string, MadeCategory> Made => _state.State.Made;

    /// <inheritdoc />
    public async Task<string?> Find(DiscordCategoryRequest request)
    {
        if (_current.TryGetValue(request.Name, out var current) && !request.Full.Contains(current)) return current;
        var listener = await GrainFactory.Grain<ICatalogGrain>(GrainKeys.Catalog).FindListener(request.ListenerId)
            ?? throw new ClusterException(ErrorCode.UpstreamUnavailable, "The Discord listener is not in the fleet.");
        var id = await FindOrMake(listener, request);
        if (id is not null) _current[request.Name] = id;
        return id;
    }

    private async Task<string?> FindOrMake(ListenerDefinition listener, DiscordCategoryRequest request)
    {
        var channels = await _discord.ListChannels(listener, CancellationToken.None);
        for (var number = 1; ; number++)
        {
            var name = number == 1 ? request.Name : $"{request.Name} {number}";
            var known = Made.GetValueOrDefault(name);
            var there = Named(channels, name);
            if (there.Count == 0 && known is { Id: null } && known.At + Settles - _time.GetUtcNow() is var wait && wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, _time);
                channels = await _discord.ListChannels(listener, CancellationToken.None);
                there = Named(channels, name);
            }
            if (there.Count == 0) return await Make(listener, name);
            if (known is { Id: null })
            {
                known.Id = there[0].Id;
                await _saver.Save();
            }
            foreach (var category in there)
            {
                if (!request.Full.Contains(category.Id) && channels.Count(channel => channel.ParentId == category.Id) < Room) return category.Id;
            }
        }
    }

    /// <summary>The categories of a name, oldest first. One of ours is known by its id, too: it may have been given another name.</summary>
    private List<DiscordChannelInfo> Named(IReadOnlyList<DiscordChannelInfo> channels, string name)
    {
        var ours = Made.GetValueOrDefault(name)?.Id;
        return
        [
            .. channels
                .Where(channel => channel.Kind == Category && (channel.Id == ours || string.Equals(channel.Name.Trim(), name, StringComparison.OrdinalIgnoreCase)))
                .OrderBy(channel => channel.Id.Length).ThenBy(channel => channel.Id, StringComparer.Ordinal),
        ];
    }

    private async Task<string?> Make(ListenerDefinition listener, string name)
    {
        var intent = new MadeCategory { At = _time.GetUtcNow() };
        Made[name] = intent;
        await _saver.Save();
        ChannelCreation made;
        try
        {
            made = await _discord.CreateChannel(listener, new DiscordChannelInfo("", name, null, Category, null), CancellationToken.None);
        }
        catch (ClusterException exception) when (exception.Code is not (ErrorCode.UpstreamUnavailable or ErrorCode.UpstreamTimeout or ErrorCode.UpstreamFailed))
        {
            // A plain no: there is nothing to look for.
            Made.Remove(name);
            throw;
        }
        if (made.Channel is null) Made.Remove(name);
        intent.Id = made.Channel?.Id;
        await _saver.Save();
        return intent.Id;
    }
}
