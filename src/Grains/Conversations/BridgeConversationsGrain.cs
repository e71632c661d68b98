using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>The stored state of the conversations of a tenant.</summary>
public sealed class BridgeConversationsState
{
    /// <summary>The conversations in the order in which they were created.</summary>
    public IReadOnlyList<BridgeConversation> Conversations { get; set; } = [];
}

/// <summary>Keeps the conversations of a tenant. A change that is not saved is undone.</summary>
[GrainType("bridge-conversations"), ActivationCountBasedPlacement]
public sealed class BridgeConversationsGrain : Grain, IBridgeConversationsGrain
{
    private readonly IPersistentState<BridgeConversationsState> _state;
    private readonly StateSaver<BridgeConversationsState> _saver;
    private readonly BackgroundWork _work;

    /// <summary>Called by Orleans.</summary>
    public BridgeConversationsGrain([PersistentState("bridge-conversations")] IPersistentState<BridgeConversationsState> state, BackgroundWork work)
    {
        _state = state;
        _work = work;
        _saver = new StateSaver<BridgeConversationsState>(state, work);
    }

    private IReadOnlyList<BridgeConversation> All => _state.State.Conversations;

    /// <inheritdoc />
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => _work.StopAsync();

    /// <inheritdoc />
    public async Task<BridgeConversation?> Create(string id, string name)
    {
        CheckName(name);
        if (All.FirstOrDefault(known => known.Id == id) is { } existing) return existing;
        if (All.Any(known => known.Name == name)) return null;
        if (All.Count >= IBridgeConversationsGrain.MaxConversations)
        {
            throw new ClusterException(
                ErrorCode.RateLimited, $"There are {IBridgeConversationsGrain.MaxConversations} conversations already. Delete one that nobody needs.");
        }
        // A conversation that was renamed keeps what it is called everywhere else.
        var isTaken = All.Any(known => known.ConversationName == name);
        var created = new BridgeConversation(id, name, isTaken ? $"{name} #{id}" : name);
        await Save([.. All, created]);
        return created;
    }

    /// <inheritdoc />
    public Task<BridgeConversation?> Find(string nameOrId) =>
        Task.FromResult(All.FirstOrDefault(known => known.Name == nameOrId) ?? All.FirstOrDefault(known => known.Id == nameOrId));

    /// <inheritdoc />
    public async Task<BridgeConversation?> Rename(string id, string newName)
    {
        CheckName(newName);
        var known = All.FirstOrDefault(known => known.Id == id)
            ?? throw new ClusterException(ErrorCode.NotFound, "The conversation does not exist.", "name");
        if (known.Name == newName) return known;
        if (All.Any(other => other.Name == newName)) return null;
        var renamed = known with { Name = newName };
        await Save([.. All.Select(each => each.Id == id ? renamed : each)]);
        return renamed;
    }

    /// <inheritdoc />
    public async Task Remove(string id)
    {
        if (All.Any(known => known.Id == id)) await Save([.. All.Where(known => known.Id != id)]);
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<BridgeConversation>> List() => Task.FromResult(All);

    private async Task Save(IReadOnlyList<BridgeConversation> changed)
    {
        var before = All;
        _state.State.Conversations = changed;
        try
        {
            await _saver.Save();
        }
        catch (ClusterException)
        {
            _state.State.Conversations = before;
            throw;
        }
    }

    private static void CheckName(string name)
    {
        if (name.Length is 0 or > IBridgeConversationsGrain.MaxNameLength || name.Any(char.IsControl))
        {
            throw new ClusterException(
                ErrorCode.InvalidRequest,
                $"Invalid name of a conversation: expected 1 to {IBridgeConversationsGrain.MaxNameLength} characters without control characters.", "name");
        }
    }
}
