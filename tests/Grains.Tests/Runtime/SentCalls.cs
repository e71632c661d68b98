using System.Collections.Concurrent;
using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>
/// The calls that a process sends, each attempt of one that is sent again. A test may have attempts fail: before they are sent, or when their answer has come. Added behind
/// <c>AddGrains</c>, so that its resending is around this.
/// </summary>
public sealed class SentCalls : IOutgoingGrainCallFilter
{
    private readonly ConcurrentQueue<SentCall> _all = new();

    /// <summary>What attempts to call a method fail with before they are sent, by the method's name; null: no failure.</summary>
    public ConcurrentDictionary<string, Func<int, Exception?>> Rejections { get; } = new();

    /// <summary>What attempts fail with after they were answered.</summary>
    public ConcurrentDictionary<string, Func<int, Exception?>> LostAnswers { get; } = new();

    public IReadOnlyList<SentCall> All => [.. _all];

    public IReadOnlyList<SentCall> Attempts(IAddressable grain, string method) => [.. _all.Where(call => call.Method == method && call.Target == grain.GetGrainId())];

    public int Count(string method) => _all.Count(call => call.Method == method);

    public async Task Invoke(IOutgoingGrainCallContext context)
    {
        var (method, target) = (context.MethodName, context.TargetId);
        _all.Enqueue(new SentCall(method, target, CallPolicy.Of(context.InterfaceMethod).IsOurs, FirstCall.Activates(target)));
        var attempt = _all.Count(call => call.Method == method && call.Target == target);
        if (Rejections.GetValueOrDefault(method)?.Invoke(attempt) is { } rejection) throw rejection;
        await context.InvokeKeepingArguments();
        if (LostAnswers.GetValueOrDefault(method)?.Invoke(attempt) is { } lost) throw lost;
    }
}

/// <param name="Method">The method's name.</param>
/// <param name="Target">The grain, or the observer.</param>
/// <param name="IsOurs">Whether the interface is not Orleans' own.</param>
/// <param name="IsFirstCall">Whether the call is marked as the grain's first.</param>
public sealed record SentCall(string Method, GrainId Target, bool IsOurs, bool IsFirstCall);
