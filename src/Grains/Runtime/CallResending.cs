using System.Collections.Concurrent;
using System.Reflection;
using Microsoft.Extensions.Hosting;

namespace CozeCluster.Grains;

/// <summary>
/// Retries idempotent calls for 15 s, which is longer than the cluster takes to detect a failed silo. Orleans itself fails such calls. A silo is notified when
/// calls to a failed silo are lost. A client without a silo is not, so its calls have a short timeout and are retried after it. The timeout of a silo's own
/// calls must be longer than 15 s: a call within a silo cannot be retried, because Orleans clears its request after it has run.
/// </summary>
internal sealed class CallResending(NetworkClock clock, IHostApplicationLifetime? host = null) : IOutgoingGrainCallFilter
{
    private static readonly TimeSpan RetryTime = TimeSpan.FromSeconds(15);

    /// <summary>A process that stops rejects its own calls. Retries must not delay the stop.</summary>
    private static readonly TimeSpan RetryTimeWhileStopping = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan MinPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(1);

    /// <inheritdoc />
    public Task Invoke(IOutgoingGrainCallContext context)
    {
        var policy = CallPolicy.Of(context.InterfaceMethod);
        return policy.IsOwn ? Send(context, policy) : context.Invoke();
    }

    private TimeSpan CurrentRetryTime => host?.ApplicationStopping.IsCancellationRequested == true ? RetryTimeWhileStopping : RetryTime;

    private async Task Send(IOutgoingGrainCallContext context, CallPolicy policy)
    {
        // Read before the call, because Orleans clears the request of a call within this silo.
        var callToken = context.Request.GetCancellationToken();
        var start = clock.Time.GetTimestamp();
        for (var pause = MinPause; ; pause = pause + pause < MaxPause ? pause + pause : MaxPause)
        {
            try
            {
                await context.Invoke();
                return;
            }
            catch (Exception exception)
            {
                var isCancelledByOrleans = CallErrors.IsCancelledByOrleans(exception, callToken);
                var mayRetry = policy.IsIdempotent && (isCancelledByOrleans || CallErrors.IsUndelivered(exception) || exception is TimeoutException);
                if (!mayRetry || clock.Time.GetElapsedTime(start) + pause > CurrentRetryTime)
                {
                    throw isCancelledByOrleans ? CallErrors.Undelivered(exception) : CallErrors.Translate(exception);
                }
            }
            FirstCall.Clear();
            await Task.Delay(pause, clock.Time, CancellationToken.None);
        }
    }
}

/// <summary>How the calls of a grain method are handled.</summary>
/// <param name="IsOwn">Whether the method belongs to a grain of this project, not to one of Orleans.</param>
/// <param name="IsIdempotent">Whether a call may be retried.</param>
internal sealed record CallPolicy(bool IsOwn, bool IsIdempotent)
{
    private static readonly CallPolicy OfOrleans = new(IsOwn: false, IsIdempotent: false);
    private static readonly ConcurrentDictionary<MethodInfo, CallPolicy> Policies = new();

    /// <summary>Gets the policy of a method. For internal requests, Orleans passes null.</summary>
    public static CallPolicy Of(MethodInfo? method) => method is null ? OfOrleans : Policies.GetOrAdd(method, static method => Create(method));

    /// <summary>Whether a grain class or interface belongs to this project, not to Orleans.</summary>
    public static bool IsOwnType(Type type) => !type.Assembly.GetName().Name!.StartsWith("Orleans", StringComparison.Ordinal);

    private static CallPolicy Create(MethodInfo method) =>
        IsOwnType(method.DeclaringType!) ? new CallPolicy(IsOwn: true, method.IsDefined(typeof(IdempotentAttribute))) : OfOrleans;
}

/// <summary>
/// The clock for waits on the network: the interval of batches between processes, and pauses before retries. It is the system clock, also in tests that control
/// the clock of the grains.
/// </summary>
/// <param name="Time">The clock.</param>
public sealed record NetworkClock(TimeProvider Time);
