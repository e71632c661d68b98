using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.Tests.Fleets;

public sealed class EnvironmentValuesTests
{
    private static readonly EnvironmentValues Values = new(name => name switch { "A" => "one", "B_2" => "$A ${A}", "EMPTY" => "", _ => null });

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("${A}", "one")]
    [InlineData("<${A}-${A}>", "<one-one>")]
    [InlineData("${B_2}", "$A ${A}")]
    [InlineData("$A", "$A")]
    [InlineData("$", "$")]
    [InlineData("a$", "a$")]
    [InlineData("$$", "$")]
    [InlineData("$${A}", "${A}")]
    [InlineData("$$$${A}", "$${A}")]
    [InlineData("$$${A}", "$one")]
    [InlineData("${NONE:-two}", "two")]
    [InlineData("${EMPTY:-two}", "two")]
    [InlineData("${A:-two}", "one")]
    [InlineData("${NONE:-}", "")]
    [InlineData("${NONE:-http://x:1/a-b}", "http://x:1/a-b")]
    public void Substitute_Reference_IsReplaced(string text, string expected) =>
        Assert.Equal(expected, Values.Substitute(text, message => Assert.Fail(message)));

    [Theory]
    [InlineData("${NONE}")]
    [InlineData("${EMPTY}")]
    [InlineData("${}")]
    [InlineData("${A B}")]
    [InlineData("${A")]
    [InlineData("${A-x}")]
    [InlineData("${1}")]
    public void Substitute_BadReference_IsReported(string text)
    {
        var messages = new List<string>();

        Assert.Null(Values.Substitute(text, messages.Add));

        Assert.Single(messages);
    }

    [Fact]
    public void Substitute_SeveralBadReferences_AreAllReported()
    {
        var messages = new List<string>();

        Assert.Null(Values.Substitute("${X} ${A} ${Y}", messages.Add));

        Assert.Collection(messages, m => Assert.Contains(" X ", m, StringComparison.Ordinal), m => Assert.Contains(" Y ", m, StringComparison.Ordinal));
    }
}
