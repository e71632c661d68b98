using System.Collections.Concurrent;
using System.Reflection;
using Orleans.CodeGeneration;
using Orleans.Serialization.Invocation;

namespace CozeCluster.Engine.Orleans;

/// <summary>What our own marks on a method mean to Orleans.</summary>
/// <param name="Options">What Orleans is told of a call.</param>
/// <param name="Idempotent">Whether the call may be sent again.</param>
internal sealed record CallKind(InvokeMethodOptions Options, bool Idempotent)
{
    private static readonly CallKind Foreign = new(InvokeMethodOptions.None, Idempotent: false);
    private static readonly ConcurrentDictionary<MethodInfo, CallKind> Known = new();

    /// <summary>Whether the method is of a grain of ours; else Orleans' own.</summary>
    public bool IsOurs => this != Foreign;

    public static CallKind Of(IInvokable request) => request.GetMethod() is { } method ? Known.GetOrAdd(method, Make) : Foreign;

    private static CallKind Make(MethodInfo method)
    {
        if (!method.DeclaringType!.IsAssignableTo(typeof(IGrain))) return Foreign;
        return new CallKind(
            method.IsDefined(typeof(InterleavesAttribute)) ? InvokeMethodOptions.AlwaysInterleave : InvokeMethodOptions.None,
            method.IsDefined(typeof(IdempotentAttribute)));
    }
}
