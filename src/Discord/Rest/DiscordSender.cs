using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>
/// Sends requests until Discord answers them: waits for rate limits before and after they apply, retries where that is safe, keeps ordered requests in order,
/// and turns every other outcome into a <see cref="ClusterException"/>. Thread-safe.
/// </summary>
internal sealed class DiscordSender(DiscordHttp http, DiscordRestOptions options, InvalidRequestGuard guard, TimeProvider time, ILogger logger) : IDisposable
{
    // The documentation of enforce_nonce says "a few minutes"; this is less.
    private static readonly TimeSpan NonceLifetime = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(8);
    // Discord rounds its numbers, and clocks tick in steps.
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(50);

    /// <summary>The token's rate limits, as far as they are known.</summary>
    public RateLimits Limits { get; } = new(time, options.RequestsPerSecond);

    /// <summary>Sends a request.</summary>
    /// <returns>The body of a 2xx response.</returns>
    /// <exception cref="ClusterException">
    /// Discord rejected the request or could not be reached, or its rate limits do not allow the request in time.
    /// </exception>
    public async Task<byte[]> Send(DiscordRequest request, CancellationToken cancellationToken)
    {
        var deadline = time.GetUtcNow() + (request.MaxWait ?? options.MaxWait);
        guard.Check();
        using var slot = await Limits.Enter(request.Route, deadline, cancellationToken).ConfigureAwait(false);
        var failures = 0;
        // When the response to an attempt was lost for the first time.
        DateTimeOffset? lostAt = null;
        for (var isFirst = true; ; isFirst = false)
        {
            try
            {
                if (!isFirst) await slot.WaitToResend(deadline, cancellationToken).ConfigureAwait(false);
                guard.Check();
                await Limits.Global.Wait(deadline, cancellationToken).ConfigureAwait(false);
                ThrowIfNonceExpired(request, lostAt, time.GetUtcNow());
                var response = await http.Send(request, cancellationToken).ConfigureAwait(false);
                if (response.IsSuccess || response.RateLimit.IsComplete) slot.Update(response.RateLimit);
                if (response.IsSuccess) return response.Body;
                var wait = HandleError(request, slot, response, deadline, ref failures);
                ThrowIfNonceExpired(request, lostAt, time.GetUtcNow() + wait);
                await Task.Delay(wait, time, cancellationToken).ConfigureAwait(false);
            }
            catch (NoResponseException e)
            {
                if (e.MayHaveArrived) lostAt ??= time.GetUtcNow();
                var wait = Backoff(++failures);
                var isOver = failures > options.MaxRetries || time.GetUtcNow() + wait > deadline || (e.MayHaveArrived && request.Resend == Resend.Never);
                if (isOver) throw Unreachable(request, lostAt, e.InnerException!);
                logger.RetryingConnection(request.Route, wait, options.Name);
                await Task.Delay(wait, time, cancellationToken).ConfigureAwait(false);
            }
            catch (ClusterException e) when (lostAt is not null && request.Resend == Resend.ByNonce && e.Code != ErrorCode.UpstreamOutcomeUnknown)
            {
                // An earlier attempt may have been posted. Whatever this attempt failed with, the caller must not send the message elsewhere.
                throw OutcomeUnknown(e);
            }
        }
    }

    /// <inheritdoc />
    public void Dispose() => Limits.Dispose();

    /// <summary>Handles an error response.</summary>
    /// <returns>How long to wait before the next attempt.</returns>
    /// <exception cref="ClusterException">There is no further attempt.</exception>
    private TimeSpan HandleError(DiscordRequest request, RateLimitSlot slot, DiscordResponse response, DateTimeOffset deadline, ref int failures)
    {
        var error = DiscordErrorBody.Read(response.Body);
        if (response.Status is 401 or 403 || (response.Status == 429 && response.RateLimit.Scope != "shared")) guard.Add();
        if (response.Status == 429) return HandleRateLimit(request, slot, response.RateLimit, error, deadline);

        var wait = Backoff(++failures);
        var isRetryable = error.Code == DiscordErrors.Overloaded || (response.Status >= 500 && request.Resend != Resend.Never);
        if (!isRetryable || failures > options.MaxRetries || time.GetUtcNow() + wait > deadline)
        {
            throw DiscordErrors.ToException(response.Status, error, until: null, options.Token);
        }
        logger.RetryingError(request.Route, response.Status, wait, options.Name);
        return wait;
    }

    private TimeSpan HandleRateLimit(DiscordRequest request, RateLimitSlot slot, RateLimitHeaders headers, DiscordErrorBody error, DateTimeOffset deadline)
    {
        // The body's value is exact, the header's is rounded up.
        var wait = error.RetryAfter ?? headers.RetryAfter ?? TimeSpan.FromSeconds(1);
        wait += Slack;
        var until = time.GetUtcNow() + wait;
        var isGlobal = error.IsGlobal || headers.Scope == "global";
        // Discord's edge servers answered, not its API.
        var isBan = !error.IsFromDiscord && headers is { Scope: null, Bucket: null };
        logger.RateLimited(request.Route, wait, isBan ? "address" : isGlobal ? "global" : headers.Scope ?? "user", options.Name);
        if (isBan)
        {
            guard.Ban(until);
            logger.AddressBanned(until);
        }
        else if (isGlobal) Limits.Global.Block(until);
        else slot.Block(until);

        if (until > deadline) throw DiscordErrors.ToException(429, error, until, options.Token, isForAllChannels: isBan || isGlobal);
        return wait;
    }

    /// <summary>Ends a message whose response was lost, if Discord may no longer know its nonce at that time.</summary>
    private void ThrowIfNonceExpired(DiscordRequest request, DateTimeOffset? lostAt, DateTimeOffset at)
    {
        if (request.Resend == Resend.ByNonce && at - lostAt > NonceLifetime) throw OutcomeUnknown(inner: null);
    }

    private static TimeSpan Backoff(int failures)
    {
        var pause = FirstPause * Math.Pow(2, failures - 1);
        if (pause > MaxPause) pause = MaxPause;
        return pause * (0.75 + Random.Shared.NextDouble() / 2);
    }

    private ClusterException Unreachable(DiscordRequest request, DateTimeOffset? lostAt, Exception inner) =>
        lostAt is not null && request.Resend == Resend.ByNonce
            ? OutcomeUnknown(inner)
            : new ClusterException(
                ErrorCode.UpstreamUnavailable, $"Discord could not be reached with '{options.Name}', or the connection broke.", inner: inner);

    private ClusterException OutcomeUnknown(Exception? inner) => new(
        ErrorCode.UpstreamOutcomeUnknown,
        $"The connection to Discord broke while '{options.Name}' was sending: the message may have been posted.",
        inner: inner);
}
