using System.Reflection;

namespace CozeCluster.Grains.Abstractions.Tests;

/// <summary>Whose grain interfaces and messages the tests check. They are compiled into the tests of other projects too, each with a class like this one.</summary>
internal static class ContractAssembly
{
    /// <summary>The project of the tests, which holds <c>Golden/wire.txt</c> and <c>Golden/calls.txt</c>.</summary>
    public const string Project = "Grains.Abstractions.Tests";

    /// <summary>The assembly that declares the interfaces and messages.</summary>
    public static Assembly Value { get; } = typeof(IConversationGrain).Assembly;
}
