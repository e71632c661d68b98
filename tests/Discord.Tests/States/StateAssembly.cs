using System.Reflection;
using System.Text.Json.Serialization;
using CozeCluster.Discord;

namespace CozeCluster.Grains.Tests.States;

/// <summary>Whose stored states are checked: those of Discord. The tests are in <c>tests/Grains.Tests/States</c>.</summary>
internal static class StateAssembly
{
    /// <summary>The assembly that declares the grains and their states.</summary>
    public static Assembly Value { get; } = typeof(DiscordSessionGrain).Assembly;

    /// <summary>How the states are written.</summary>
    public static JsonSerializerContext Types => DiscordStateJson.Default;
}
