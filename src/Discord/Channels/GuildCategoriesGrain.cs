using System.Text.Json.Serialization;
using CozeCluster.Grains;
using Orleans.Placement;

namespace CozeCluster.Discord;

/// <summary>What is stored about a server's categories.</summary>
public sealed class GuildCategoriesState
{
    /// <summary>The categories that this cluster created or intended to create, by name.</summary>
    [JsonPropertyName("made")]
    public Dictionary<string, OwnedCategory> Categories { get; set; } = [];
}

/// <summary>A category of this cluster.</summary>
public sealed class OwnedCategory
{
    /// <summary>Snowflake; null while the creation is only intended.</summary>
    public string? Id { get; set; }

    /// <summary>When the intent was saved.</summary>
    [JsonPropertyName("at")]
    public DateTimeOffset IntendedAt { get; set; }
}

/// <summary>
/// Lists the categories before it creates one, and handles one call at a time. The intent is saved first: if the response to a creation was lost, the category
/// gets some time to appear before the categories are listed again. Categories are never deleted.
/// </summary>
[GrainType("guild-categories"), ActivationCountBasedPlacement]
public sealed class GuildCategoriesGrain : Grain, IGuildCategoriesGrain
{
    /// <summary>The number of channels that Discord allows in a category.</summary>
    internal const int MaxChannels = 50;

    private const int CategoryKind = 4;

    /// <summary>After this duration, a category whose creation had no response either appears in the list or does not exist.</summary>
    private static readonly TimeSpan AppearsWithin = TimeSpan.FromSeconds(5);

    private readonly IPersistentState<GuildCategoriesState> _state;
    private readonly StateSaver<GuildCategoriesState> _saver;
    private readonly IDiscordApi _discord;
    private readonly IFleetView _fleet;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, string> _current = [];

    /// <summary>Called by Orleans.</summary>
    public GuildCategoriesGrain(
        [PersistentState("guild-categories")] IPersistentState<GuildCategoriesState> state,
        BackgroundWork work,
        IDiscordApi discord,
        IFleetView fleet,
        TimeProvider time)
    {
        _state = state;
        _saver = new StateSaver<GuildCategoriesState>(state, work);
        _discord = discord;
        _fleet = fleet;
        _time = time;
    }

    private Dictionary<string, OwnedCategory> Owned => _state.State.Categories;

    /// <inheritdoc />
    public async Task<string?> Find(DiscordCategoryRequest request)
    {
        if (_current.TryGetValue(request.Name, out var current) && !request.Full.Contains(current)) return current;
        var listener = _fleet.FindListener(request.ListenerId)
            ?? throw new ClusterException(ErrorCode.UpstreamUnavailable, $"The fleet has no Discord listener '{request.ListenerId}'.");
        var id = await FindOrCreate(listener, request);
        if (id is not null) _current[request.Name] = id;
        return id;
    }

    private async Task<string?> FindOrCreate(ListenerDefinition listener, DiscordCategoryRequest request)
    {
        var channels = await _discord.ListChannels(listener, CancellationToken.None);
        for (var number = 1; ; number++)
        {
            var name = number == 1 ? request.Name : $"{request.Name} {number}";
            var owned = Owned.GetValueOrDefault(name);
            var found = FindByName(channels, name);
            if (found.Count == 0 && owned is { Id: null } && owned.IntendedAt + AppearsWithin - _time.GetUtcNow() is var wait && wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, _time);
                channels = await _discord.ListChannels(listener, CancellationToken.None);
                found = FindByName(channels, name);
            }
            if (found.Count == 0) return await Create(listener, name);
            if (owned is { Id: null })
            {
                owned.Id = found[0].Id;
                await _saver.Save();
            }
            foreach (var category in found)
            {
                if (!request.Full.Contains(category.Id) && channels.Count(channel => channel.ParentId == category.Id) < MaxChannels) return category.Id;
            }
        }
    }

    /// <summary>
    /// The categories with a name, oldest first. A category of this cluster is recognized by its id too, because an operator may have renamed it.
    /// </summary>
    private List<DiscordChannelInfo> FindByName(IReadOnlyList<DiscordChannelInfo> channels, string name)
    {
        var ownedId = Owned.GetValueOrDefault(name)?.Id;
        return
        [
            .. channels
                .Where(channel => channel.Kind == CategoryKind)
                .Where(channel => channel.Id == ownedId || string.Equals(channel.Name.Trim(), name, StringComparison.OrdinalIgnoreCase))
                .OrderBy(channel => channel.Id.Length).ThenBy(channel => channel.Id, StringComparer.Ordinal),
        ];
    }

    private async Task<string?> Create(ListenerDefinition listener, string name)
    {
        var category = new OwnedCategory { IntendedAt = _time.GetUtcNow() };
        Owned[name] = category;
        await _saver.Save();
        ChannelCreation creation;
        try
        {
            creation = await _discord.CreateChannel(listener, new DiscordChannelInfo("", name, null, CategoryKind, null), CancellationToken.None);
        }
        catch (ClusterException exception) when (exception.Code is not (ErrorCode.UpstreamUnavailable or ErrorCode.UpstreamTimeout or ErrorCode.UpstreamFailed))
        {
            // Discord rejected the request, so the category does not exist.
            Owned.Remove(name);
            throw;
        }
        if (creation.Channel is null) Owned.Remove(name);
        category.Id = creation.Channel?.Id;
        await _saver.Save();
        return category.Id;
    }
}
