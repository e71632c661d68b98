using CozeCluster.Upstreams.Coze;

namespace CozeCluster.Upstreams.Tests.Coze;

public sealed class CozePromptsTests
{
    private static readonly ImageContent Image = new(new MediaSource("https://x.test/a.png", null));

    [Fact]
    public void FromMessages_SystemText_GoesBeforeTheFirstUserMessage() => Assert.Equal(
        ["assistant: Hi", "user: Be kind.\n\nBe short.\n\nHello", "user: Bye"],
        Map(CozeRig.System("Be kind."), CozeRig.System("Be short."), CozeRig.Assistant("Hi"), CozeRig.User("Hello"), CozeRig.User("Bye")));

    [Fact]
    public void FromMessages_SystemTextLater_StaysInItsPlaceAsUserText() => Assert.Equal(
        ["user: Be kind.\n\nHello", "assistant: Hi", "user: Be short.", "user: Bye", "user: Answer in French."],
        Map(
            CozeRig.System("Be kind."), CozeRig.User("Hello"), CozeRig.Assistant("Hi"), CozeRig.System("Be short."), CozeRig.User("Bye"),
            CozeRig.System("Answer in French.")));

    [Fact]
    public void FromMessages_SystemTextAlone_IsSentAsUserText() => Assert.Equal(["user: Be kind."], Map(CozeRig.System("Be kind.")));

    [Fact]
    public void FromMessages_TextAndMedia_StayTogetherWithOneText() => Assert.Equal(
        ["user: Look\nhere +1"], Map(CozeRig.User(new TextContent("Look"), Image, new TextContent("here"))));

    [Fact]
    public void FromMessages_MediaAlone_GetsAText() => Assert.Equal(["user:  +1", $"user: {CozePrompts.MediaOnly}"], Map(CozeRig.User(Image)));

    [Fact]
    public void FromMessages_MediaBesideAUserText_GetsNoText()
    {
        Assert.Equal(["user:  +1", "user: What is it?"], Map(CozeRig.User(Image), CozeRig.User("What is it?")));
        Assert.Equal(["user: This:", "user:  +1"], Map(CozeRig.User("This:"), CozeRig.User(Image)));
    }

    [Fact]
    public void FromMessages_MediaBesideAnAssistantText_GetsAText() => Assert.Equal(
        ["assistant: Show me", "user:  +1", $"user: {CozePrompts.MediaOnly}"], Map(CozeRig.Assistant("Show me"), CozeRig.User(Image)));

    [Fact]
    public void FromMessages_MediaAloneAfterSystemText_GetsThatText() =>
        Assert.Equal(["user: Describe it. +1"], Map(CozeRig.System("Describe it."), CozeRig.User(Image)));

    [Fact]
    public void FromMessages_ToolCallsInHistory_BecomeText() => Assert.Equal(
        ["user: Weather?", "assistant: One moment\n(called weather with {\"city\":\"Rome\"})", "assistant: (weather returned 20°)", "user: Thanks"],
        Map(
            CozeRig.User("Weather?"),
            CozeRig.Assistant("One moment") with { ToolCalls = [new ToolCall("call_1", "weather", """{"city":"Rome"}""")] },
            new ChatMessage(ChatRole.Tool, [new TextContent("20°")]) { ToolCallId = "call_1" },
            CozeRig.User("Thanks")));

    [Fact]
    public void FromMessages_EmptyMessages_AreNotSent() => Assert.Equal(
        ["user: Hi"], Map(CozeRig.User(""), CozeRig.Assistant(""), new ChatMessage(ChatRole.Assistant, []), CozeRig.User("Hi")));

    [Fact]
    public void FromMessages_MoreThanAHundred_KeepsTheNewestAndTheSystemText()
    {
        var history = Enumerable.Range(0, 75).SelectMany(i => new[] { CozeRig.User($"q{i}"), CozeRig.Assistant($"a{i}") });

        var sent = Map([CozeRig.System("Be kind."), .. history, CozeRig.User("last")]);

        // The newest hundred begin with an answer, which is dropped too.
        Assert.Equal(99, sent.Count);
        Assert.Equal("user: Be kind.\n\nq26", sent[0]);
        Assert.Equal("user: last", sent[^1]);
    }

    [Fact]
    public void FromMessages_MoreThanAHundredOfOneRole_KeepsTheLimit()
    {
        var media = Map(Enumerable.Repeat(CozeRig.User(Image), 150).ToArray());
        // Each added text is directly after one image and directly before another.
        Assert.Equal(99, media.Count);
        Assert.Equal(33, media.Count(message => message == $"user: {CozePrompts.MediaOnly}"));

        var assistant = Map([CozeRig.System("Be kind."), .. Enumerable.Range(0, 150).Select(i => CozeRig.Assistant($"a{i}"))]);
        Assert.Equal(100, assistant.Count);
        Assert.Equal("user: Be kind.", assistant[0]);
        Assert.Equal("assistant: a149", assistant[^1]);
    }

    [Fact]
    public void FromMessages_NothingToSend_NamesTheField()
    {
        var error = Assert.Throws<ClusterException>(() => Map(CozeRig.User("")));

        Assert.Equal((ErrorCode.InvalidRequest, "messages"), (error.Code, error.Param));
    }

    [Fact]
    public void FromMessages_InvalidMedia_NamesTheField()
    {
        var error = Assert.Throws<ClusterException>(() => Map(CozeRig.User("Hi"), new ChatMessage(ChatRole.Assistant, [Image])));
        Assert.Equal((ErrorCode.InvalidRequest, "messages[1].content"), (error.Code, error.Param));

        error = Assert.Throws<ClusterException>(() => Map(CozeRig.User(new ImageContent(new MediaSource(null, null)))));
        Assert.Equal((ErrorCode.InvalidRequest, "messages[0].content"), (error.Code, error.Param));
    }

    private static List<string> Map(params ChatMessage[] messages) =>
        [.. CozePrompts.FromMessages(messages).Select(p => $"{(p.IsUser ? "user" : "assistant")}: {p.Text}{(p.Media.Count > 0 ? $" +{p.Media.Count}" : "")}")];
}
