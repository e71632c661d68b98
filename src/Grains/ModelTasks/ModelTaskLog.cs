using System.Text.Json;

namespace CozeCluster.Grains;

/// <summary>What the log of turns says of one task.</summary>
/// <param name="request">The request.</param>
/// <param name="rowId">The id of the row.</param>
/// <param name="time">The clock.</param>
internal sealed class ModelTaskLog(ModelTaskRequest request, long rowId, TimeProvider time)
{
    private readonly DateTimeOffset _createdAt = time.GetUtcNow();
    private readonly List<TurnAttempt> _attempts = [];
    private long _version;

    public void BeginAttempt(Lease lease) => _attempts.Add(new TurnAttempt(lease.Bot.Id, lease.Account.Id, lease.Bot.Upstream, time.GetUtcNow()));

    public void EndAttempt(Error? error) => _attempts[^1] = _attempts[^1] with { Ended = time.GetUtcNow(), Error = error?.Code };

    /// <summary>Creates the row of a charged task, which is stored before the request is sent.</summary>
    public TurnRow Begin(ReservedTurn reserved)
    {
        var details = new TurnDetails { Sent = true, IsTask = true, InputEstimate = reserved.InputEstimate };
        return CreateRow(TurnStatus.Running, details) with { Charge = reserved.Charge };
    }

    /// <summary>Records that the storage has the row.</summary>
    public void MarkStored() => _version++;

    /// <summary>Counts the end, and creates the row. Contents are not stored, so the turn cannot be read.</summary>
    public TurnRow End(ReplyEvent end, Usage? usage)
    {
        GrainMetrics.TurnEnded(request.Model, end, usage);
        var error = (end as ReplyFailed)?.Error;
        var details = new TurnDetails { Sent = true, IsTask = true, End = end, Attempts = _attempts.Count > 0 ? _attempts : null };
        var status = error is null ? TurnStatus.Completed : error.Code == ErrorCode.Cancelled ? TurnStatus.Cancelled : TurnStatus.Failed;
        return CreateRow(status, details) with
        {
            EndedAt = time.GetUtcNow(), Error = error?.Code, InputTokens = usage?.InputTokens, OutputTokens = usage?.OutputTokens,
        };
    }

    private TurnRow CreateRow(TurnStatus status, TurnDetails details)
    {
        var last = _attempts.LastOrDefault();
        return new TurnRow
        {
            Id = rowId,
            Version = _version + 1,
            TurnId = request.TurnId,
            TenantId = request.TenantId,
            KeyName = request.KeyName,
            User = request.User,
            Model = request.Model,
            Status = status,
            CreatedAt = _createdAt,
            Upstream = last?.Upstream,
            BotId = last?.Bot,
            AccountId = last?.Account,
            Attempts = _attempts.Count,
            Details = JsonSerializer.SerializeToUtf8Bytes(details, TurnJson.Default.TurnDetails),
        };
    }
}
