using System.Reflection;
using CozeCluster.Discord;

namespace CozeCluster.Grains.Abstractions.Tests;

/// <summary>Whose grain interfaces and messages are checked: those of Discord. The tests are in <c>tests/Grains.Abstractions.Tests</c>.</summary>
internal static class ContractAssembly
{
    /// <summary>The project of the tests, which holds <c>Golden/wire.txt</c> and <c>Golden/calls.txt</c>.</summary>
    public const string Project = "Discord.Tests";

    /// <summary>The assembly that declares the interfaces and messages.</summary>
    public static Assembly Value { get; } = typeof(IDiscordSessionGrain).Assembly;
}
