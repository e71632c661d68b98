using Orleans.CodeGeneration;
using Orleans.Serialization.Invocation;

namespace CozeCluster.Engine.Orleans;

/// <summary>
/// Every call of a grain on its way out of a process. Sends what may interleave as such: Orleans decides that by what the sender says, and an attribute it knows cannot stand on
/// our interfaces. (Its <c>MayInterleave</c> predicate is no substitute: once an interleaving call came first, it lets two others run at once.) Sends idempotent
/// calls again while the cluster finds out who is gone. Callers see no exception but our own.
/// </summary>
internal sealed class OutgoingCalls(IGrainReferenceRuntime inner, OrleansEngineOptions options, TimeProvider time) : IGrainReferenceRuntime
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <summary>For one grain that has stored nothing yet.</summary>
    public OutgoingCalls OfNewGrain() => new(new FirstCall(inner), options, time);

    public ValueTask<T> InvokeMethodAsync<T>(GrainReference reference, IInvokable request, InvokeMethodOptions options)
    {
        var kind = CallKind.Of(request);
        if (!kind.IsOurs) return inner.InvokeMethodAsync<T>(reference, request, options);
        return SendAsync(kind, () => inner.InvokeMethodAsync<T>(reference, request, options | kind.Options));
    }

    public ValueTask InvokeMethodAsync(GrainReference reference, IInvokable request, InvokeMethodOptions options)
    {
        var kind = CallKind.Of(request);
        if (!kind.IsOurs) return inner.InvokeMethodAsync(reference, request, options);
        return WithoutResult(SendAsync(kind, async () =>
        {
            await inner.InvokeMethodAsync(reference, request, options | kind.Options);
            return true;
        }));
    }

    public void InvokeMethod(GrainReference reference, IInvokable request, InvokeMethodOptions options) => inner.InvokeMethod(reference, request, options);

    public object Cast(IAddressable grain, Type interfaceType) => inner.Cast(grain, interfaceType);

    private static async ValueTask WithoutResult(ValueTask<bool> sending) => await sending;

    private async ValueTask<T> SendAsync<T>(CallKind kind, Func<ValueTask<T>> send)
    {
        var began = time.GetTimestamp();
        for (var pause = FirstPause; ; pause = pause + pause < LongestPause ? pause + pause : LongestPause)
        {
            try
            {
                if (kind.Idempotent && options.ResendAfter is { } patience) return await SendUntilAnsweredAsync(send, patience);
                return await send();
            }
            catch (Exception e)
            {
                // Rejected calls did not run here, so the request still holds its arguments.
                if (!kind.Idempotent || !Failure.IsUndelivered(e) || time.GetElapsedTime(began) + pause > options.RetryFor) throw Failure.Translate(e);
            }
            await Task.Delay(pause, time, CancellationToken.None);
        }
    }

    /// <summary>
    /// Sends a call again where no answer comes. A silo learns of calls that went to another one that died, and fails them; a client does not: what was on its way
    /// through a silo, or in it, is lost without a word.
    /// </summary>
    private async ValueTask<T> SendUntilAnsweredAsync<T>(Func<ValueTask<T>> send, TimeSpan patience)
    {
        var answer = send().AsTask();
        for (List<Task<T>>? all = null; ; patience += patience)
        {
            try
            {
                // The first one times out some time, which ends this.
                return await answer.WaitAsync(patience, time, CancellationToken.None);
            }
            catch (TimeoutException) when (!answer.IsCompleted)
            {
                (all ??= [answer]).Add(send().AsTask());
                answer = Task.WhenAny(all).Unwrap();
            }
        }
    }
}
