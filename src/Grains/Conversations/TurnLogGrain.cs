using System.Text.Json;
using Orleans.Concurrency;

namespace CozeCluster.Grains;

/// <summary>Reads the log of turns for gateways. Every silo has its own activations, up to one for each processor.</summary>
[GrainType("turn-log"), StatelessWorker]
public sealed class TurnLogGrain(ITurnLog log, IFleetView fleet) : Grain, ITurnLogGrain
{
    // A page, and one row more that shows whether there is another page.
    private const int MaxLimit = 1_001;

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

    /// <inheritdoc />
    public async Task<TurnReport?> ReadTurn(string turnId)
    {
        var rows = await log.Search(new TurnQuery { TurnId = turnId, Limit = 1 }, CancellationToken.None);
        return rows is [var row] ? new TurnReport(row, AttemptsOf(row)) : null;
    }

    // The conversation reports a damaged row. The rest of the row can still be read.
    private static IReadOnlyList<AttemptReport> AttemptsOf(TurnRow row)
    {
        if (row.Details.Length == 0) return [];
        try
        {
            return
            [
                .. (TurnJson.Read(row.Details, TurnJson.Default.TurnDetails).Attempts ?? []).Select(attempt =>
                    new AttemptReport(attempt.Bot, attempt.Account, attempt.Upstream, attempt.Started)
                    {
                        FirstTextAt = attempt.FirstText, EndedAt = attempt.Ended, Error = attempt.Error,
                    }),
            ];
        }
        catch (JsonException)
        {
            return [];
        }
    }
}
