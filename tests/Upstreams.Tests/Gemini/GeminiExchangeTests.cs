namespace CozeCluster.Upstreams.Tests.Gemini;

/// <summary>How replies are read.</summary>
public sealed class GeminiExchangeTests
{
    private const string Finished =
        """
        data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],"responseId":"r1"}


        """;

    private static string Text(string json) => $$$"""data: {"candidates":[{"content":{"parts":[{"text":{{{json}}}}]}}]}""" + "\r\n\r\n";

    private static string Finish(string reason) =>
        $$"""data: {"candidates":[{"finishReason":"{{reason}}","finishMessage":"m"}],"responseId":"r1"}""" + "\n\n";

    [Fact]
    public async Task Unicode_CutAtEveryByte_IsExact()
    {
        using var rig = new GeminiRig();
        var wire = Text("\"é你\"") + Text("\"\\ud83d\"") + Text("\"\\ude80 👩‍👩‍👧\\n\"") + Finished;
        for (var size = 1; size < wire.Length; size += size < 40 ? 1 : 17)
        {
            var sink = await rig.Read(wire, size);

            Assert.Equal("é你🚀 👩‍👩‍👧\n", sink.Answer);
            Assert.Equal((FinishReason.Stop, 1), (sink.Finish, sink.Ends));
        }
    }

    [Fact]
    public async Task EndWithoutAFinishReason_IsBroken()
    {
        using var rig = new GeminiRig();
        var sink = new RecordingSink();
        await using var exchange = rig.Exchange(PiecesStream.Of(Text("\"Half\"")));

        var error = await sink.ReadUntilBroken(exchange);

        Assert.Equal(ErrorCode.UpstreamUnavailable, error.Code);
        Assert.Equal(("Half", 0), (sink.Answer, sink.Ends));
    }

    [Theory]
    [InlineData("data: {\"candidates\":[{\"finish", ErrorCode.UpstreamUnavailable)]
    [InlineData("data: hello\n\n", ErrorCode.UpstreamProtocol)]
    public async Task RecordThatIsNoObject_IsNoEnd(string wire, ErrorCode expected)
    {
        using var rig = new GeminiRig();
        var sink = new RecordingSink();
        await using var exchange = rig.Exchange(PiecesStream.Of(wire));

        Assert.Equal(expected, (await sink.ReadUntilBroken(exchange)).Code);
        Assert.Equal(0, sink.Ends);
    }

    [Theory]
    [InlineData("STOP", FinishReason.Stop)]
    [InlineData("MAX_TOKENS", FinishReason.Length)]
    [InlineData("SAFETY", FinishReason.ContentFilter)]
    [InlineData("RECITATION", FinishReason.ContentFilter)]
    [InlineData("BLOCKLIST", FinishReason.ContentFilter)]
    [InlineData("PROHIBITED_CONTENT", FinishReason.ContentFilter)]
    [InlineData("SPII", FinishReason.ContentFilter)]
    [InlineData("IMAGE_SAFETY", FinishReason.ContentFilter)]
    public async Task FinishReasons_AreTranslated(string reason, FinishReason expected)
    {
        using var rig = new GeminiRig();

        Assert.Equal(expected, (await rig.Read(Text("\"a\"") + Finish(reason))).Finish);
    }

    [Theory]
    [InlineData("MALFORMED_FUNCTION_CALL")]
    [InlineData("UNEXPECTED_TOOL_CALL")]
    [InlineData("A_NEW_REASON")]
    public async Task FailedAttemptsOfTheModel_AreErrorsAndNoStop(string reason)
    {
        using var rig = new GeminiRig();
        var sink = await rig.Read(Finish(reason));

        Assert.Null(sink.Finish);
        Assert.Equal((ErrorCode.UpstreamFailed, RecoveryAction.Retry), (sink.Failure!.Code, sink.Failure.RecoveryAction));
        Assert.Contains(reason, sink.Failure.Message);
    }

    [Fact]
    public async Task BlockedPrompt_IsAContentError()
    {
        using var rig = new GeminiRig();
        var sink = await rig.Read("""data: {"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":7}}""" + "\n\n");

        Assert.Equal(ErrorCode.ContentFiltered, sink.Failure!.Code);
        Assert.Contains("PROHIBITED_CONTENT", sink.Failure.Message);
        Assert.Equal(7, sink.Usage!.InputTokens);
    }

    [Fact]
    public async Task BareErrorWithLineBreaks_IsRead()
    {
        using var rig = new GeminiRig();
        const string Error = "{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"overloaded\",\n    \"status\": \"UNAVAILABLE\"\n  }\n}\n";
        var sink = await rig.Read(Text("\"a\"") + Error);

        Assert.Equal(ErrorCode.UpstreamUnavailable, sink.Failure!.Code);
        Assert.Contains("overloaded", sink.Failure.Message);
    }

    [Theory]
    [InlineData("\"promptTokenCount\":10,\"candidatesTokenCount\":5,\"thoughtsTokenCount\":3,\"cachedContentTokenCount\":4,\"totalTokenCount\":18", 10, 8, 18)]
    [InlineData("\"promptTokenCount\":10,\"candidatesTokenCount\":8,\"thoughtsTokenCount\":3,\"cachedContentTokenCount\":4,\"totalTokenCount\":18", 10, 8, 18)]
    public async Task Usage_CountsThoughtsAsOutputOnce(string json, long input, long output, long total)
    {
        using var rig = new GeminiRig();
        var sink = await rig.Read("data: {\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{" + json + "}}\n\n");

        Assert.Equal(new Usage(input, output, total) { CachedInputTokens = 4, ReasoningTokens = 3 }, sink.Usage);
    }

    [Fact]
    public async Task TextImageText_KeepsTheOrder_AndTheImageIsABlob()
    {
        using var rig = new GeminiRig();
        var image = """data: {"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"iVBORw0KGgo="}}]}}]}""" + "\n\n";
        var sink = await rig.Read(Text("\"a\"") + image + Text("\"b\"") + Finished);

        Assert.Equal(["answer:answer-0", "item:image-0", "answer:answer-1"], sink.Order);
        var url = Assert.IsType<ImageItem>(Assert.Single(sink.Items)).Url;
        var kept = await ReplyFiles.Open(rig.Blobs, ReplyFiles.FindBlobId(url)!, GeminiRig.Stop);
        Assert.Equal(Convert.FromBase64String("iVBORw0KGgo="), kept!.Value.ToArray());
        Assert.EndsWith(".png", url);
    }

    [Fact]
    public async Task LateThoughts_DoNotSplitTheAnswer()
    {
        using var rig = new GeminiRig();
        static string Thought(string text) => $$$"""data: {"candidates":[{"content":{"parts":[{"text":"{{{text}}}","thought":true}]}}]}""" + "\n\n";
        var sink = await rig.Read(Thought("t1") + Text("\"a\"") + Thought("t2") + Text("\"b\"") + Thought("t3") + Finished);

        Assert.Equal("ab", sink.Answer);
        Assert.Equal(["t1", "t2t3"], sink.Reasoning);
    }
}
