using FsCheck;
using FsCheck.Fluent;

namespace CozeCluster.Grains.Abstractions.Tests;

/// <summary>Generates names that clients may choose: short, long, empty, in any script.</summary>
internal static class ClientNames
{
    public static Arbitrary<string> Any { get; } = Gen.OneOf(
        ArbMap.Default.GeneratorFor<string>().Select(text => text ?? ""),
        Gen.Choose(0, 500).Select(length => new string('n', length)),
        Gen.Elements("对话", "🙂", "a b", "../..", "turn_", "conv-", "sk-sandbox")).ToArbitrary();
}
