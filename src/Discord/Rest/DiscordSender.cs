using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>
/// Sends requests until they are answered: waits for limits before they are hit and after, tries again where that is safe, keeps the order of what has one, and
/// turns every other end into a <see cref="ClusterException"/>. Thread-safe.
/// </summary>
internal sealed class DiscordSender(DiscordHttp http, DiscordRestOptions options, InvalidRequestGuard guard, TimeProvider time, ILogger logger) : IDisposable
{
    // "Minutes", says the documentation of enforce_nonce; this is well within.
    private static readonly TimeSpan NonceMemory = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(8);
    // Discord's numbers are rounded, and clocks tick in steps.
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(50);

    /// <summary>What is known of the limits.</summary>
    public RateLimits Limits { get; } = new(time, options.RequestsPerSecond);

    /// <summary>Sends a request.</summary>
    /// <returns>The body of a 2xx answer.</returns>
    /// <exception cref="ClusterException">Discord refused it, could not be reached, or its limits leave no room in time.</exception>
    public async Task<byte[]> Send(DiscordCall call, CancellationToken cancellationToken)
    {
        var deadline = time.GetUtcNow() + (call.MaxWait ?? options.MaxWait);
        guard.Check();
        using var pass = await Limits.Enter(call.Route, deadline, cancellationToken).ConfigureAwait(false);
        var failures = 0;
        DateTimeOffset? lostAt = null;
        for (var isFirst = true; ; isFirst = false)
        {
            try
            {
                if (!isFirst) await pass.Again(deadline, cancellationToken).ConfigureAwait(false);
                guard.Check();
                await Limits.Global.Wait(deadline, cancellationToken).ConfigureAwait(false);
                ThrowIfForgotten(call, lostAt, time.GetUtcNow());
                var answer = await http.Try(call, cancellationToken).ConfigureAwait(false);
                if (answer.IsSuccess || answer.Rate.IsLimit) pass.Learn(answer.Rate);
                if (answer.IsSuccess) return answer.Body;
                var wait = Judge(call, pass, answer, deadline, ref failures);
                ThrowIfForgotten(call, lostAt, time.GetUtcNow() + wait);
                await Task.Delay(wait, time, cancellationToken).ConfigureAwait(false);
            }
            catch (AttemptFailedException e)
            {
                if (e.MayHaveArrived) lostAt ??= time.GetUtcNow();
                var wait = Backoff(++failures);
                var isOver = failures > options.MaxRetries || time.GetUtcNow() + wait > deadline || (e.MayHaveArrived && call.Resend == Resend.Never);
                if (isOver) throw Unreachable(call, lostAt, e.InnerException!);
                logger.Reconnecting(call.Route, wait, options.Name);
                await Task.Delay(wait, time, cancellationToken).ConfigureAwait(false);
            }
            catch (ClusterException e) when (lostAt is not null && call.Resend == Resend.ByNonce && e.Code != ErrorCode.UpstreamOutcomeUnknown)
            {
                // An earlier attempt may have been posted: whatever this one ran into, nothing may be sent elsewhere as if it had not.
                throw OutcomeUnknown(e);
            }
        }
    }

    /// <inheritdoc />
    public void Dispose() => Limits.Dispose();

    /// <summary>How long to wait before the next attempt; throws if there is to be none.</summary>
    private TimeSpan Judge(DiscordCall call, RatePass pass, DiscordAnswer answer, DateTimeOffset deadline, ref int failures)
    {
        var refusal = RefusalBody.Of(answer.Body);
        if (answer.Status is 401 or 403 || (answer.Status == 429 && answer.Rate.Scope != "shared")) guard.Add();
        if (answer.Status == 429) return Limited(call, pass, answer.Rate, refusal, deadline);

        var wait = Backoff(++failures);
        var isWorthIt = refusal.Code == DiscordErrors.Overloaded || (answer.Status >= 500 && call.Resend != Resend.Never);
        if (!isWorthIt || failures > options.MaxRetries || time.GetUtcNow() + wait > deadline)
            throw DiscordErrors.ToException(answer.Status, refusal, until: null, options.Token);
        logger.Retrying(call.Route, answer.Status, wait, options.Name);
        return wait;
    }

    private TimeSpan Limited(DiscordCall call, RatePass pass, RateHeaders rate, RefusalBody refusal, DateTimeOffset deadline)
    {
        // The body is exact, the header rounded up; where they differ the body counts.
        var wait = refusal.RetryAfter ?? rate.RetryAfter ?? TimeSpan.FromSeconds(1);
        wait += Slack;
        var until = time.GetUtcNow() + wait;
        var isGlobal = refusal.IsGlobal || rate.Scope == "global";
        var isBan = !refusal.IsDiscords && rate is { Scope: null, Bucket: null };
        logger.Limited(call.Route, wait, isBan ? "address" : isGlobal ? "global" : rate.Scope ?? "user", options.Name);
        if (isBan)
        {
            // Not Discord's API answered but the edge before it.
            guard.Ban(until);
            logger.Banned(until);
        }
        else if (isGlobal) Limits.Global.Block(until);
        else pass.Block(until);

        if (until > deadline) throw DiscordErrors.ToException(429, refusal, until, options.Token);
        return wait;
    }

    /// <summary>Whether a message whose answer was lost would be sent again too late for Discord to know its nonce.</summary>
    private void ThrowIfForgotten(DiscordCall call, DateTimeOffset? lostAt, DateTimeOffset at)
    {
        if (call.Resend == Resend.ByNonce && at - lostAt > NonceMemory) throw OutcomeUnknown(inner: null);
    }

    private static TimeSpan Backoff(int failures)
    {
        var pause = FirstPause * Math.Pow(2, failures - 1);
        if (pause > LongestPause) pause = LongestPause;
        return pause * (0.75 + Random.Shared.NextDouble() / 2);
    }

    private ClusterException Unreachable(DiscordCall call, DateTimeOffset? lostAt, Exception inner) => lostAt is not null && call.Resend == Resend.ByNonce
        ? OutcomeUnknown(inner)
        : new ClusterException(
            ErrorCode.UpstreamUnavailable, $"Discord could not be reached with '{options.Name}', or the connection broke.", inner: inner);

    private ClusterException OutcomeUnknown(Exception? inner) => new(
        ErrorCode.UpstreamOutcomeUnknown, $"The connection to Discord broke while '{options.Name}' was sending: the message may have been posted.", inner: inner);
}
