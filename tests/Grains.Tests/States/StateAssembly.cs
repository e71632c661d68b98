using System.Reflection;
using System.Text.Json.Serialization;

namespace CozeCluster.Grains.Tests.States;

/// <summary>
/// Names the assembly whose stored states <see cref="StoredStatesTests"/> checks. That class is compiled into other test projects too, each with a class like
/// this one.
/// </summary>
internal static class StateAssembly
{
    /// <summary>The assembly that declares the grains and their states.</summary>
    public static Assembly Value { get; } = typeof(ConversationGrain).Assembly;

    /// <summary>How the states are written.</summary>
    public static JsonSerializerContext Types => StateJson.Default;
}
