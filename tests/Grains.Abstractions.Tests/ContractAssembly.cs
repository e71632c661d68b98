using System.Reflection;

namespace CozeCluster.Grains.Abstractions.Tests;

/// <summary>
/// Names the assembly whose grain interfaces and messages the tests check. The tests are compiled into other test projects too, each with its own class of this
/// name.
/// </summary>
internal static class ContractAssembly
{
    /// <summary>The project of the tests, which holds <c>Golden/wire.txt</c> and <c>Golden/calls.txt</c>.</summary>
    public const string Project = "Grains.Abstractions.Tests";

    /// <summary>The assembly that declares the interfaces and messages.</summary>
    public static Assembly Value { get; } = typeof(IConversationGrain).Assembly;
}
