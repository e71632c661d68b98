using System.Text;
using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Coze;
using CozeCluster.TestKit;

namespace CozeCluster.Upstreams.Tests.Coze;

/// <summary>Tests the upstream with the sandbox's fake Coze, which follows Coze's rules more strictly than <see cref="WireServer"/>.</summary>
public sealed class CozeSandboxTests : IAsyncLifetime
{
    private readonly ManualTime _time = new();
    private SandboxServer _sandbox = null!;
    private CozeRig _rig = null!;

    public async ValueTask InitializeAsync()
    {
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions { Time = _time }, CozeRig.Stop);
        _rig = new CozeRig(new Uri(_sandbox.BaseUrl, "coze").ToString(), _time);
    }

    public async ValueTask DisposeAsync()
    {
        _rig.Dispose();
        await _sandbox.DisposeAsync();
    }

    private CozeChat Chat => _sandbox.Coze.Chats[^1];

    [Theory]
    [InlineData("Hello")]
    [InlineData("[[text=unicode chunks=200 chunk=3]]")]
    [InlineData("[[text=unicode chunks=50 chunk=1 escape=ascii torn]]")]
    [InlineData("[[text=unicode chunks=50 newline=crlf colon=space done=bare last_error=null usage_names=tokens]]")]
    [InlineData("[[answers=3 chunks=5 knowledge verbose tool=search,fetch followups=2 reasoning=5 done=debug]]")]
    [InlineData("[[chunks=2000 chunk=40 reasoning=100 text=unicode]]")]
    [InlineData("[[answers=0 done=none]]")]
    [InlineData("[[audio=3 image card]]")]
    [InlineData("[[rewrite chunks=9]]")]
    public async Task Open_AnyReply_IsWholeAndPolledTheSame(string prompt)
    {
        var live = await _rig.Run(_rig.Turn(prompt));

        Assert.Equal(FinishReason.Stop, live.Finish);
        Assert.Equal(Chat.Answers.Where(answer => !answer.StartsWith("{\"title\"", StringComparison.Ordinal)), live.Answers);
        Assert.Equal((Chat.Id, Chat.ConversationId), (live.Ids["chat_id"], live.Ids["conversation_id"]));
        Assert.NotNull(live.Usage);

        var again = await Attach(live.Handles[^1]);
        Assert.Equal(live.Order, again.Order);
        Assert.Equal(live.Answers, again.Answers);
        Assert.Equal(live.Reasoning, again.Reasoning);
        Assert.Equal(live.Items, again.Items);
        Assert.Equal(live.Usage, again.Usage);
        Assert.Equal(FinishReason.Stop, again.Finish);
    }

    [Fact]
    public async Task Run_QuestionOfAChatflow_IsTextAndStop()
    {
        var sink = await _rig.Run(_rig.Turn("[[ask=\"Which city?\"]]"));

        Assert.Equal("Which city?", sink.Answer);
        Assert.Empty(sink.Items);
        Assert.Equal(FinishReason.Stop, sink.Finish);
    }

    [Fact]
    public async Task Run_CardAlone_IsAlsoText()
    {
        var sink = await _rig.Run(_rig.Turn("[[answers=0 card followups=0]]"));

        Assert.Equal("A card\n\nIt has a text and a button\n\n[More](https://sandbox.test/a)", sink.Answer);
        Assert.IsType<CardItem>(Assert.Single(sink.Items));
    }

    [Fact]
    public async Task Open_HistoryMediaAndMetadata_FollowCozesRules()
    {
        var image = new ImageContent(new MediaSource(null, await _rig.Blobs.Put("t", "图.png", "image/png", Encoding.UTF8.GetBytes("x"), CozeRig.Stop)));
        var history = Enumerable.Range(0, 80).SelectMany(i => new[] { CozeRig.User($"q{i}"), CozeRig.Assistant($"a{i}"), CozeRig.User(image) });

        var sink = await _rig.Run(_rig.Turn([CozeRig.System("Be kind."), .. history, CozeRig.User("Bye")]) with
        {
            Metadata = Enumerable.Range(0, 16).ToDictionary(i => $"{i}".PadLeft(64, 'k'), _ => new string('v', 512)),
            Variables = new Dictionary<string, string> { ["name"] = "Ann" },
        });

        Assert.Equal(FinishReason.Stop, sink.Finish);
        Assert.InRange(Chat.RequestMessages.Count, 90, 100);
        Assert.Equal("user", Chat.RequestMessages[0].Role);
        Assert.Contains("Be kind.", Chat.RequestMessages[0].Content);
        Assert.Equal("tenant:user", Chat.UserId);
        Assert.Equal(16, Chat.MetaData.Count);
    }

    [Theory]
    [InlineData("[[early_error=4016]]", ErrorCode.UpstreamBusy)]
    [InlineData("[[early_error=4011 http=429 retry_after=5s]]", ErrorCode.UpstreamQuotaExceeded)]
    [InlineData("[[http=502]]", ErrorCode.UpstreamUnavailable)]
    public async Task Open_EarlyError_Throws(string prompt, ErrorCode expected)
    {
        var error = await _rig.OpenThrows(_rig.Turn(prompt));

        Assert.Equal(expected, error.Code);
        Assert.Equal(prompt.Contains("retry_after"), error.Until is not null);
    }

    [Theory]
    [InlineData("[[chunks=9 error=4013 error_after=3]]", ErrorCode.UpstreamFailed)]
    [InlineData("[[chunks=9 failed=4105 failed_after=3]]", ErrorCode.ContentFiltered)]
    [InlineData("[[chunks=9 failed=4010 failed_after=3 failed_form=bare]]", ErrorCode.ContextLengthExceeded)]
    public async Task Read_LaterError_FailsTheReply(string prompt, ErrorCode expected)
    {
        var sink = await _rig.Run(_rig.Turn(prompt));

        Assert.Equal(expected, sink.Failure!.Code);
        Assert.NotEmpty(sink.Answer);
    }

    [Fact]
    public async Task Attach_AfterADisconnect_ReadsExactlyTheRest()
    {
        var sink = new RecordingSink();
        var turn = _rig.Turn("[[text=unicode chunks=60 reasoning=5 tool=search knowledge disconnect_after=20]]");
        await using (var exchange = await _rig.Upstream.Open(turn, CozeRig.Stop))
            Assert.Equal(ErrorCode.UpstreamUnavailable, (await sink.ReadUntilBroken(exchange)).Code);
        var before = sink.Answers.FirstOrDefault("");

        await using (var exchange = await _rig.Upstream.Attach(_rig.Turn(), sink.Handles[^1], CozeRig.Stop))
        {
            var reading = sink.ReadAll(exchange);
            await _time.AdvanceUntil(reading);
            await reading;
        }

        Assert.StartsWith(before, sink.Answer);
        Assert.Equal(Chat.Answers.Single(), sink.Answer);
        Assert.Empty(sink.Rewrites);
        Assert.Equal(FinishReason.Stop, sink.Finish);
        Assert.Single(_sandbox.Coze.Chats);
    }

    [Fact]
    public async Task Cancel_RunningChat_EndsIt()
    {
        var sink = new RecordingSink();
        await using (var exchange = await _rig.Upstream.Open(_rig.Turn("[[chunks=500 stall_after=5]]"), CozeRig.Stop))
        {
            while (!sink.Answers.Any() && await exchange.WaitToRead(CozeRig.Stop)) exchange.Read(sink);
            await _rig.Upstream.Cancel(_rig.Turn(), sink.Handles[^1], CozeRig.Stop);
        }

        await _sandbox.Coze.WaitForChatAsync(chat => chat.Canceled && chat.Ended, CozeRig.Stop);
        await _rig.Upstream.Cancel(_rig.Turn(), sink.Handles[^1], CozeRig.Stop);
        Assert.Equal(ErrorCode.Cancelled, (await Attach(sink.Handles[^1])).Failure!.Code);
    }

    [Fact]
    public async Task Open_ConversationBusyWithAnotherChat_IsRefused()
    {
        var sink = new RecordingSink();
        await using var exchange = await _rig.Upstream.Open(_rig.Turn("[[chunks=50 stall_after=5]]"), CozeRig.Stop);
        while (sink.Handles.Count == 0 && await exchange.WaitToRead(CozeRig.Stop)) exchange.Read(sink);
        var known = new Dictionary<string, string>(sink.Ids) { ["chat_id"] = "1" };

        Assert.Equal(ErrorCode.UpstreamBusy, (await _rig.OpenThrows(_rig.Turn("Hi") with { Conversation = known })).Code);
        Assert.False(Chat.Canceled);
    }

    [Fact]
    public async Task Open_PreviousChatWaitsForToolOutputs_CancelsThatChat()
    {
        var asked = await _rig.Run(_rig.Turn("[[requires_action]]"));
        var waiting = Chat;

        var answered = await _rig.Run(_rig.Turn("Never mind. [[say=Fine.]]") with { Conversation = asked.Ids });

        Assert.Equal(("Fine.", FinishReason.Stop), (answered.Answer, answered.Finish));
        Assert.Equal(asked.Ids["conversation_id"], answered.Ids["conversation_id"]);
        Assert.True(waiting.Canceled);
    }

    [Fact]
    public async Task ToolOutputs_ContinueTheChat_AndArePolledTheSame()
    {
        var asked = await _rig.Run(_rig.Turn("[[requires_action=weather say=\"Warm.\"]]"));
        var call = Assert.Single(asked.Items.OfType<ToolCallItem>(), item => item.ForClient);
        Assert.Equal(("weather", FinishReason.ToolCalls), (call.Name, asked.Finish));
        Assert.Equal(FinishReason.ToolCalls, (await Attach(asked.Handles[^1])).Finish);

        var answered = await _rig.Run(_rig.Turn() with { ToolOutputs = [new ToolOutput(call.Id, "20°")], Conversation = asked.Ids });

        Assert.Equal("Warm.", answered.Answer);
        Assert.Equal(asked.Ids["chat_id"], answered.Ids["chat_id"]);
        // As after a restart of the node, when only the handle is known.
        var again = await Attach(answered.Handles[^1]);
        Assert.Equal(answered.Order, again.Order);
        Assert.Equal(answered.Answers, again.Answers);
        Assert.Equal(FinishReason.Stop, again.Finish);
    }

    [Fact]
    public async Task OAuth_ClaimsAreAccepted_AndAnExpiredTokenIsReplaced()
    {
        var app = _sandbox.Coze.OAuth;
        _rig.Account = _rig.Account with { Token = null, OAuth = new OAuthDefinition(OAuthApp.AppId, app.KeyId, _rig.Seal.Seal(app.PrivateKeyPem), null) };

        await _rig.Run(_rig.Turn("Hi"));
        var first = Chat.Token;
        Assert.True(_sandbox.Coze.ExpireToken(first));
        Assert.Equal(FinishReason.Stop, (await _rig.Run(_rig.Turn("Hi again"))).Finish);

        Assert.NotEqual(first, Chat.Token);
    }

    [Theory]
    [InlineData("pat_wrong")]
    [InlineData("pat_sandbox_expired")]
    public async Task Open_WrongToken_IsUnauthorized(string token)
    {
        _rig.Account = _rig.Account with { Token = _rig.Seal.Seal(token) };

        Assert.Equal(ErrorCode.UpstreamUnauthorized, (await _rig.OpenThrows(_rig.Turn("Hi"))).Code);
    }

    [Theory]
    [InlineData("7350000000000000009", ErrorCode.UpstreamForbidden)]
    [InlineData("1", ErrorCode.UpstreamNotFound)]
    public async Task Open_InvalidBot_IsReported(string bot, ErrorCode expected)
    {
        _rig.Bot = _rig.Bot with { UpstreamBotId = bot };

        Assert.Equal(expected, (await _rig.OpenThrows(_rig.Turn("Hi"))).Code);
    }

    [Fact]
    public async Task Attach_TransientFault_IsRetried()
    {
        var live = await _rig.Run(_rig.Turn("Hi"));
        using var http = new HttpClient();
        using var fault = new StringContent("""{"path":"/v3/chat/retrieve","http":503,"times":1}""", Encoding.UTF8, "application/json");
        (await http.PostAsync(new Uri(_sandbox.BaseUrl, "coze/sandbox/faults"), fault, CozeRig.Stop)).EnsureSuccessStatusCode();

        Assert.Equal(live.Answers, (await Attach(live.Handles[^1])).Answers);
    }

    private async Task<RecordingSink> Attach(UpstreamHandle handle)
    {
        var sink = new RecordingSink();
        await using var exchange = await _rig.Upstream.Attach(_rig.Turn(), handle, CozeRig.Stop);
        var reading = sink.ReadAll(exchange);
        await _time.AdvanceUntil(reading);
        await reading;
        return sink;
    }
}
