using System.Collections.Concurrent;
using System.Reflection;

namespace CozeCluster.Grains;

/// <summary>What a grain method's attributes mean for its calls.</summary>
/// <param name="IsOurs">Whether the method belongs to a grain of this project, not to one of Orleans' own.</param>
/// <param name="IsIdempotent">Whether a call may be sent again.</param>
internal sealed record CallPolicy(bool IsOurs, bool IsIdempotent)
{
    private static readonly CallPolicy Foreign = new(IsOurs: false, IsIdempotent: false);
    private static readonly ConcurrentDictionary<MethodInfo, CallPolicy> Known = new();

    /// <summary>The policy of a method. Orleans passes null for its internal requests.</summary>
    public static CallPolicy Of(MethodInfo? method) => method is null ? Foreign : Known.GetOrAdd(method, static method => Make(method));

    private static CallPolicy Make(MethodInfo method) =>
        method.DeclaringType!.Assembly.GetName().Name!.StartsWith("Orleans", StringComparison.Ordinal)
            ? Foreign
            : new CallPolicy(IsOurs: true, method.IsDefined(typeof(IdempotentAttribute)));
}
