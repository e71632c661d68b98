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

    public void BeginAttempt(Lease lease) => _attempts.Add(new TurnAttempt(lease.Bot.Id, lease.Account.Id, lease.Bot.Upstream, time.GetUtcNow()));

    public void EndAttempt(Error? error) => _attempts[^1] = _attempts[^1] with { Ended = time.GetUtcNow(), Error = error?.Code };

    /// <summary>Counts the end, and creates the row. Contents are not stored, so the turn cannot be read.</summary>
    public TurnRow End(Error? error, Usage? usage)
    {
        ReplyEvent end = error is null ? new ReplyCompleted(FinishReason.Stop, usage, null) : new ReplyFailed(error, null);
        GrainMetrics.TurnEnded(request.Model, end, usage);
        var details = new TurnDetails { Sent = true, End = end, Attempts = _attempts.Count > 0 ? _attempts : null };
        var last = _attempts.LastOrDefault();
        return new TurnRow
        {
            Id = rowId,
            Version = 1,
            TurnId = request.TurnId,
            TenantId = request.TenantId,
            KeyName = request.KeyName,
            User = request.User,
            Model = request.Model,
            Status = error is null ? TurnStatus.Completed : error.Code == ErrorCode.Cancelled ? TurnStatus.Cancelled : TurnStatus.Failed,
            CreatedAt = _createdAt,
            EndedAt = time.GetUtcNow(),
            Upstream = last?.Upstream,
            BotId = last?.Bot,
            AccountId = last?.Account,
            Attempts = _attempts.Count,
            Error = error?.Code,
            InputTokens = usage?.InputTokens,
            OutputTokens = usage?.OutputTokens,
            Details = JsonSerializer.SerializeToUtf8Bytes(details, TurnJson.Default.TurnDetails),
        };
    }
}
