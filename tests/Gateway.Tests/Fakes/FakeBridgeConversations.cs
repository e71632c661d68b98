namespace CozeCluster.Gateway.Tests.Fakes;

/// <summary>The conversations of one tenant, in memory.</summary>
public sealed class FakeBridgeConversations : IBridgeConversationsGrain
{
    public List<BridgeConversation> All { get; } = [];

    public Task<BridgeConversation?> Create(string id, string name)
    {
        if (name.Any(char.IsControl)) throw new ClusterException(ErrorCode.InvalidRequest, "The name is not valid.", "name");
        if (All.Exists(known => known.Name == name)) return Task.FromResult<BridgeConversation?>(null);
        All.Add(new BridgeConversation(id, name, name));
        return Task.FromResult<BridgeConversation?>(All[^1]);
    }

    public Task<BridgeConversation?> Find(string nameOrId) => Task.FromResult(All.Find(known => known.Name == nameOrId || known.Id == nameOrId));

    public Task<BridgeConversation?> Rename(string id, string newName)
    {
        if (All.Exists(known => known.Name == newName)) return Task.FromResult<BridgeConversation?>(null);
        var index = All.FindIndex(known => known.Id == id);
        All[index] = All[index] with { Name = newName };
        return Task.FromResult<BridgeConversation?>(All[index]);
    }

    public Task Remove(string id)
    {
        All.RemoveAll(known => known.Id == id);
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<BridgeConversation>> List() => Task.FromResult<IReadOnlyList<BridgeConversation>>([.. All]);
}
