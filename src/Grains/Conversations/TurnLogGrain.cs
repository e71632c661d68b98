using Orleans.Concurrency;

namespace CozeCluster.Grains;

/// <summary>Reads the log of turns for gateways. Every silo has its own activations, as many as there are calls at the same time.</summary>
[GrainType("turn-log"), StatelessWorker]
public sealed class TurnLogGrain(ITurnLog log, IFleetView fleet) : Grain, ITurnLogGrain
{
    private const int MaxLimit = 1_000;

    /// <inheritdoc />
    public async Task<IReadOnlyList<ConversationSummary>> ListConversations(string tenantId, string? after, int limit)
    {
        var afterKey = after is null ? null : fleet.Ids.KeyOf(tenantId, after);
        var heads = await log.ListConversations(tenantId, afterKey, Math.Clamp(limit, 1, MaxLimit), CancellationToken.None);
        return [.. heads.Select(head => new ConversationSummary(head.Name ?? "", head.Title, head.CreatedAt, head.LastUsedAt, head.Turns))];
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<TurnRow>> Search(TurnQuery query) =>
        await log.Search(query with { Limit = Math.Clamp(query.Limit, 1, MaxLimit) }, CancellationToken.None);
}
