using Microsoft.Extensions.Hosting;

namespace CozeCluster.Grains;

/// <summary>
/// Sends idempotent calls again until the cluster has detected which silos are gone: for 15 s, which is longer than the detection of a failed silo takes. Orleans itself fails such
/// calls. A silo is notified of calls to another silo that failed; a client without a silo is not, so its calls have a short timeout and are sent again after it. The timeout of a
/// silo's own calls must be longer than 15 s: a call that ran in its caller's silo cannot be sent again, because Orleans clears its request when it has run.
/// </summary>
internal sealed class CallResending(NetworkClock clock, IHostApplicationLifetime? host = null) : IOutgoingGrainCallFilter
{
    private static readonly TimeSpan ResendFor = TimeSpan.FromSeconds(15);

    /// <summary>A process that stops rejects calls of its own: what waits for them must not hold it up.</summary>
    private static readonly TimeSpan ResendForWhileStopping = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <inheritdoc />
    public Task Invoke(IOutgoingGrainCallContext context)
    {
        var policy = CallPolicy.Of(context.InterfaceMethod);
        return policy.IsOurs ? Send(context, policy) : context.Invoke();
    }

    private TimeSpan Limit => host?.ApplicationStopping.IsCancellationRequested == true ? ResendForWhileStopping : ResendFor;

    private async Task Send(IOutgoingGrainCallContext context, CallPolicy policy)
    {
        // Orleans clears the request when the call has run in this silo.
        var callToken = context.Request.GetCancellationToken();
        var start = clock.Time.GetTimestamp();
        for (var pause = FirstPause; ; pause = pause + pause < LongestPause ? pause + pause : LongestPause)
        {
            try
            {
                await context.Invoke();
                return;
            }
            catch (Exception exception)
            {
                var isAbandoned = CallErrors.IsAbandoned(exception, callToken);
                var mayHelp = policy.IsIdempotent && (isAbandoned || CallErrors.IsUndelivered(exception) || exception is TimeoutException);
                if (!mayHelp || clock.Time.GetElapsedTime(start) + pause > Limit) throw isAbandoned ? CallErrors.Undelivered(exception) : CallErrors.Translate(exception);
            }
            FirstCall.Clear();
            await Task.Delay(pause, clock.Time, CancellationToken.None);
        }
    }
}
