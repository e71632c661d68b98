namespace CozeCluster.Grains;

/// <summary>The limits per minute and of concurrent turns of one tenant or of one of its keys, counted in memory.</summary>
/// <param name="time">The clock.</param>
/// <param name="subject">What messages call it: <c>This tenant</c> or <c>This API key</c>.</param>
internal sealed class RateLimiter(TimeProvider time, string subject)
{
    private readonly MinuteWindow _requests = new(time);
    private readonly MinuteWindow _tokens = new(time);
    private readonly LeaseBook _turns = new(time, LeaseRequest.Lifetime);

    /// <summary>Whether the turn is counted among the concurrent ones.</summary>
    public bool Holds(string turnId) => _turns.Holds(turnId);

    /// <summary>Whether the limits allow a turn. Counts nothing.</summary>
    /// <returns>Null if they do; otherwise the error.</returns>
    public Error? Check(string turnId, long tokens, LimitsDefinition limits, int? maxTurns)
    {
        if (!_turns.Holds(turnId) && _turns.Count >= maxTurns)
        {
            return Refusal($"{subject} is limited to {maxTurns} concurrent turns. Retry when a turn has ended.", TimeSpan.FromSeconds(1));
        }
        if (_requests.Used + 1 > limits.RequestsPerMinute)
        {
            return Refusal(
                $"{subject} is limited to {limits.RequestsPerMinute} requests per minute.", _requests.TimeUntilFits(1, limits.RequestsPerMinute.Value));
        }
        // A turn that may use more than the limit may use the whole minute. Otherwise it could never be sent.
        if (_tokens.Used > 0 && _tokens.Used + tokens > limits.TokensPerMinute)
        {
            return Refusal(
                $"{subject} is limited to {limits.TokensPerMinute} tokens per minute. This request may use {tokens}.",
                _tokens.TimeUntilFits(tokens, limits.TokensPerMinute.Value));
        }
        return null;
    }

    /// <summary>Counts a turn.</summary>
    /// <returns>The second of its tokens, for <see cref="Settle"/>.</returns>
    public long Count(string turnId, long tokens)
    {
        _turns.Take(turnId);
        _requests.Add(1);
        _tokens.Add(tokens);
        return _tokens.Second;
    }

    /// <summary>Keeps a turn among the concurrent ones.</summary>
    public void Renew(string turnId) => _turns.Take(turnId);

    /// <summary>Removes a turn from the concurrent ones, and corrects its tokens.</summary>
    public void Settle(string turnId, long second, long difference)
    {
        _turns.Return(turnId);
        if (difference != 0) _tokens.Correct(second, difference);
    }

    /// <summary>What is left of the limits per minute.</summary>
    public RateStatus StatusOf(LimitsDefinition limits) => new(Left(_requests, limits.RequestsPerMinute), Left(_tokens, limits.TokensPerMinute));

    private Error Refusal(string message, TimeSpan wait) => new(ErrorCode.RateLimited, message, Until: time.GetUtcNow() + wait);

    private static RateLeft? Left(MinuteWindow window, long? limit) =>
        limit is { } most ? new RateLeft(most, Math.Max(most - window.Used, 0), window.TimeUntilEmpty()) : null;
}
