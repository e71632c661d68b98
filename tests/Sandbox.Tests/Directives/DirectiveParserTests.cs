using CozeCluster.Sandbox.Coze;

namespace CozeCluster.Sandbox.Tests.Directives;

public sealed class DirectiveParserTests
{
    [Theory]
    [InlineData("20ms", 20)]
    [InlineData("2s", 2_000)]
    [InlineData("1.5s", 1_500)]
    [InlineData("1m", 60_000)]
    [InlineData("0", 0)]
    public void Parse_Duration_ReadsItsUnit(string value, double milliseconds)
    {
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), ChatDirectives.Parser.Parse($"pace={value}", ChatScript.Default).Pace);
    }

    [Fact]
    public void Parse_QuotedValue_SupportsSpacesAndEscapes()
    {
        Assert.Equal("a b\n\"c\"\\", ChatDirectives.Parser.Parse("""chunks=1 say="a b\n\"c\"\\" image""", ChatScript.Default).Say);
    }

    [Fact]
    public void Parse_Twice_LaterDirectivesOverrideEarlierOnes()
    {
        var script = ChatDirectives.Parser.Parse("chunks=5 followups=1", ChatDirectives.Parser.Parse("chunks=2 image", ChatScript.Default));

        Assert.Equal((5, 1, true), (script.Chunks, script.FollowUps, script.Image));
    }

    [Theory]
    [InlineData("frobnicate", "unknown directive 'frobnicate'")]
    [InlineData("frobnicate=1 pace=20ms", "unknown directive 'frobnicate'")]
    [InlineData("pace", "needs a value")]
    [InlineData("pace=20", "not a duration")]
    [InlineData("pace=-1ms", "not a duration")]
    [InlineData("chunks=many", "not a whole number")]
    [InlineData("chunk=0", "from 1")]
    [InlineData("http=600", "from 200 to 599")]
    [InlineData("image=yes", "takes no value")]
    [InlineData("done=maybe", "none of quoted, bare, debug, none")]
    [InlineData("usage=12", "input/output")]
    [InlineData("say=\"open", "closing quote")]
    public void Parse_InvalidDirective_ThrowsWithTheReason(string text, string expected)
    {
        Assert.Contains(expected, Assert.Throws<DirectiveException>(() => ChatDirectives.Parser.Parse(text, ChatScript.Default)).Message);
    }

    [Fact]
    public void ParsePrompt_RemovesTheDirectives()
    {
        var (prompt, script) = ChatDirectives.Parser.ParsePrompt("Hello [[chunks=2]] world [[image]]", ChatScript.Default);

        Assert.Equal("Hello  world", prompt);
        Assert.Equal((2, true), (script.Chunks, script.Image));
    }

    [Theory]
    [InlineData("no directive")]
    [InlineData("an open [[ one")]
    [InlineData("a closed ]] one")]
    public void ParsePrompt_WithoutDirectives_ReturnsThePromptUnchanged(string prompt)
    {
        Assert.Equal((prompt, ChatScript.Default), ChatDirectives.Parser.ParsePrompt(prompt, ChatScript.Default));
    }
}
