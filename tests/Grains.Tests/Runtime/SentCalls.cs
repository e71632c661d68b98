using System.Collections.Concurrent;
using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>
/// Records the calls that a process sends, including retries. A test may let attempts fail before they are sent, or after they were answered. Add it after
/// <c>AddGrains</c>, so that retries pass through it.
/// </summary>
public sealed class SentCalls : IOutgoingGrainCallFilter
{
    private readonly ConcurrentQueue<SentCall> _all = new();

    /// <summary>Exceptions before an attempt is sent, by method name and number of the attempt; null: no exception.</summary>
    public ConcurrentDictionary<string, Func<int, Exception?>> Rejections { get; } = new();

    /// <summary>Exceptions after an attempt was answered.</summary>
    public ConcurrentDictionary<string, Func<int, Exception?>> LostAnswers { get; } = new();

    public IReadOnlyList<SentCall> All => [.. _all];

    public IReadOnlyList<SentCall> Attempts(IAddressable grain, string method) =>
        [.. _all.Where(call => call.Method == method && call.Target == grain.GetGrainId())];

    public int Count(string method) => _all.Count(call => call.Method == method);

    public async Task Invoke(IOutgoingGrainCallContext context)
    {
        var (method, target) = (context.MethodName, context.TargetId);
        _all.Enqueue(new SentCall(method, target, CallPolicy.Of(context.InterfaceMethod).IsOwn, FirstCall.Activates(target)));
        var attempt = _all.Count(call => call.Method == method && call.Target == target);
        if (Rejections.GetValueOrDefault(method)?.Invoke(attempt) is { } rejection) throw rejection;
        await context.InvokeKeepingArguments();
        if (LostAnswers.GetValueOrDefault(method)?.Invoke(attempt) is { } lost) throw lost;
    }
}

/// <param name="Method">The name of the method.</param>
/// <param name="Target">The grain or observer.</param>
/// <param name="IsOwn">Whether the method belongs to this project, not to Orleans.</param>
/// <param name="IsFirstCall">Whether the call is marked as the grain's first.</param>
public sealed record SentCall(string Method, GrainId Target, bool IsOwn, bool IsFirstCall);
