using CozeCluster.TestKit;

namespace CozeCluster.Client.Tests;

/// <summary>The library with the fake Coze.</summary>
public sealed class ClientTests(SandboxFixture sandbox) : IClassFixture<SandboxFixture>
{
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("chunks=20 text=unicode")]
    [InlineData("chunks=20 text=unicode newline=crlf torn escape=ascii")]
    [InlineData("chunks=20 colon=space done=bare")]
    [InlineData("answers=2 chunks=5")]
    [InlineData("chunks=5 rewrite")]
    public async Task Send_Reply_GrowsToTheWholeText(string directives)
    {
        using var bot = sandbox.NewBot();
        var pieces = new List<RealCozeResult>();

        var reply = await bot.SendAsync(SandboxFixture.Ask($"Hello [[{directives}]]"), pieces.Add);

        Assert.True(pieces.Count > 3, "The reply did not grow.");
        Assert.All(pieces, piece => Assert.True(piece.Success));
        Assert.All(pieces.SkipLast(1), piece => Assert.True(piece.Data!.Continue));
        Assert.Equal((reply, false, 1), (pieces[^1].Data, reply.Continue, reply.ReplyType));
        Assert.Equal(reply.Content, pieces[^2].Data!.Content);
        if (!directives.Contains("rewrite")) Assert.StartsWith(pieces[^3].Data!.Content, reply.Content, StringComparison.Ordinal);
        if (directives.Contains("answers=2")) Assert.Contains("\n\n", reply.Content, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Send_History_ArrivesAsItWas()
    {
        using var bot = sandbox.NewBot(bot: new RealCozeBot(SandboxFixture.BotId, [new RealCozeMessage(1, "I am Atri.")]), user: "history");

        await bot.SendAsync([new(6, "It rains."), new(2, "A?"), new(1, "B."), new(2, ""), new(2, "C? [[say=yes]]")]);

        var chat = Assert.Single(sandbox.Coze.Chats, chat => chat.UserId == "history");
        Assert.Equal(
            [("assistant", "I am Atri."), ("user", "It rains."), ("user", "A?"), ("assistant", "B."), ("user", "C? [[say=yes]]")],
            chat.RequestMessages.Select(message => (message.Role, message.Content)));
    }

    [Fact]
    public async Task Send_LongHistory_SendsTheNewestMessages()
    {
        using var bot = sandbox.NewBot(user: "long");

        await bot.SendAsync([.. Enumerable.Range(1, 250).Select(i => new RealCozeMessage(2 - i % 2, $"m{i}")), new(2, "[[say=yes]]")]);

        var messages = Assert.Single(sandbox.Coze.Chats, chat => chat.UserId == "long").RequestMessages;
        Assert.Equal((100, "m152"), (messages.Count, messages[0].Content));
    }

    [Theory]
    [InlineData(null, new[] { 1 })]
    [InlineData(new[] { 1, 3, 4, 6 }, new[] { 1, 3, 4, 6 })]
    [InlineData(new[] { 6 }, new[] { 6 })]
    public async Task Send_Roles_ChooseWhatTheCallbackReceives(int[]? roles, int[] expected)
    {
        using var bot = sandbox.NewBot();
        var pieces = new List<RealCozeResult>();

        var reply = await bot.SendAsync(SandboxFixture.Ask("[[tool=weather knowledge say=sunny]]"), pieces.Add, roles);

        Assert.Equal("sunny", reply.Content);
        Assert.Equal(expected, pieces.Select(piece => piece.Data!.ReplyType).Distinct().Order());
        Assert.All(pieces, piece => Assert.NotEmpty(piece.Data!.Content));
    }

    [Theory]
    [InlineData("early_error=4008", 4008)]
    [InlineData("error=4011 error_after=3 chunks=10", 4011)]
    [InlineData("failed=4013 failed_after=3 chunks=10", 4013)]
    [InlineData("failed=4013 failed_form=bare", 4013)]
    [InlineData("early_error=5000 http=502", 5000)]
    [InlineData("http=502", 0)]
    [InlineData("disconnect_after=3 chunks=10", 0)]
    [InlineData("requires_action", 0)]
    public async Task Send_Failure_IsToldAndThrown(string directives, int code)
    {
        using var bot = sandbox.NewBot();
        var pieces = new List<RealCozeResult>();

        var exception = await Assert.ThrowsAsync<RealCozeException>(() => bot.SendAsync(SandboxFixture.Ask($"[[{directives}]]"), pieces.Add));

        Assert.Equal(code, exception.Code);
        Assert.Equal((false, null, exception.Message), (pieces[^1].Success, pieces[^1].Data, pieces[^1].ErrorMessage));
        Assert.DoesNotContain(pieces, piece => piece.Data is { Continue: false });
    }

    [Fact]
    public async Task Send_QuestionOfTheBot_IsAReply()
    {
        using var bot = sandbox.NewBot();

        var reply = await bot.SendAsync(SandboxFixture.Ask("[[ask=\"How old?\"]]"));

        Assert.Equal("How old?", reply.Content);
    }

    [Theory]
    [InlineData("token")]
    [InlineData("disconnect")]
    public async Task Send_Cancelled_CancelsTheChatAtCoze(string how)
    {
        using var bot = sandbox.NewBot(user: how);
        using var stop = new CancellationTokenSource();
        var started = new TaskCompletionSource();
        var sending = bot.SendAsync(SandboxFixture.Ask("[[chunks=100000 pace=20ms]]"), _ => started.TrySetResult(), cancellationToken: stop.Token);
        await started.Task.WaitAsync(Hang);

        if (how == "token") await stop.CancelAsync();
        else bot.Disconnect();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.WaitAsync(Hang));
        using var timeout = new CancellationTokenSource(Hang);
        await sandbox.Coze.WaitForChatAsync(chat => chat.UserId == how && chat.Canceled, timeout.Token);
        if (how == "disconnect")
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => bot.SendAsync(SandboxFixture.Ask("[[say=x]]")));
            Assert.True((await bot.ConnectAsync()).Success);
            Assert.Equal("x", (await bot.SendAsync(SandboxFixture.Ask("[[say=x]]"))).Content);
        }
    }

    [Fact]
    public async Task Send_CallbackThatThrows_CancelsTheChatAndThrowsTheSame()
    {
        using var bot = sandbox.NewBot(user: "callback");
        var calls = 0;

        var exception = await Assert.ThrowsAsync<IOException>(() => bot.SendAsync(SandboxFixture.Ask("[[chunks=100000 pace=20ms]]"), _ =>
        {
            calls++;
            throw new IOException("mine");
        }));

        Assert.Equal(("mine", 1), (exception.Message, calls));
        using var timeout = new CancellationTokenSource(Hang);
        await sandbox.Coze.WaitForChatAsync(chat => chat.UserId == "callback" && chat.Canceled, timeout.Token);
    }

    [Fact]
    public async Task Send_Silence_EndsAfterTheTimeout()
    {
        var time = new ManualTime();
        using var bot = sandbox.NewBot(time: time);
        var pieces = new List<RealCozeResult>();
        var received = new TaskCompletionSource();
        var sending = bot.SendAsync(SandboxFixture.Ask("[[say=\"one two three four\" stall_after=1]]"), piece =>
        {
            pieces.Add(piece);
            received.TrySetResult();
        });
        await received.Task.WaitAsync(Hang);

        time.Advance(TimeSpan.FromMinutes(1));
        Assert.False(sending.IsCompleted);
        time.Advance(TimeSpan.FromMinutes(2));

        var exception = await Assert.ThrowsAsync<RealCozeException>(() => sending.WaitAsync(Hang));
        Assert.Contains("120 s", exception.Message, StringComparison.Ordinal);
        Assert.False(pieces[^1].Success);
    }

    [Theory]
    [InlineData("pat_sandbox", SandboxFixture.BotId, null)]
    [InlineData("pat_sandbox_chat_only", SandboxFixture.BotId, null)]
    [InlineData("pat_sandbox_expired", SandboxFixture.BotId, "[700012006]")]
    [InlineData("pat_sandbox", "7350000000000000009", "[4015]")]
    [InlineData("pat_sandbox", "7", "[4006]")]
    public async Task Connect_ChecksTokenAndBot(string token, string botId, string? expected)
    {
        using var bot = sandbox.NewBot(token, new RealCozeBot(botId));

        var result = await bot.ConnectAsync();

        Assert.Equal(expected is null, result.Success);
        if (expected is not null) Assert.Contains(expected, result.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Upload_File_CanBeSent()
    {
        using var bot = sandbox.NewBot(user: "upload");

        var image = await bot.UploadFileAsync(new byte[] { 0x89, 0x50, 0x4e, 0x47 }, ".png");
        await bot.SendAsync([.. RealCozeApi.GenerateChatHistory(image.Data, "image"), .. SandboxFixture.Ask("What? [[say=cat]]")]);
        await bot.SendAsync([.. SandboxFixture.Ask("[[say=cat]]"), new(1, "?"), .. RealCozeApi.GenerateChatHistory("https://x.test/a.pdf", "file")]);

        var chats = sandbox.Coze.Chats.Where(chat => chat.UserId == "upload").ToList();
        Assert.Equal($$"""[{"type":"image","file_id":"{{image.Data}}"}]""", chats[0].RequestMessages[0].Content);
        Assert.Equal("""[{"type":"file","file_url":"https://x.test/a.pdf"}]""", chats[1].RequestMessages[2].Content);
    }

    [Fact]
    public async Task Send_OnlyAnImage_GetsTheTextThatCozeRequires()
    {
        using var bot = sandbox.NewBot(user: "only-image");

        await bot.SendAsync(RealCozeApi.GenerateChatHistory("https://x.test/a.png", "image"));

        var content = Assert.Single(sandbox.Coze.Chats, chat => chat.UserId == "only-image").RequestMessages[0].Content;
        Assert.Contains("(see attachment)", content, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Errors_DoNotContainTheToken()
    {
        const string Token = "pat_of_nobody_0123456789";
        using var bot = sandbox.NewBot(Token);

        var exception = await Assert.ThrowsAsync<RealCozeException>(() => bot.SendAsync(SandboxFixture.Ask("x")));

        Assert.DoesNotContain(Token, exception.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Token, (await bot.ConnectAsync()).ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("user:pass%20word@", true)]
    public async Task Proxy_Socks_CarriesTheRequests(string credentials, bool needsPassword)
    {
        await using var proxy = new SocksProxy(needsPassword ? "user:pass word" : null);
        using var bot = sandbox.NewBot(proxy: $"socks5://{credentials}127.0.0.1:{proxy.Port}", host: SocksProxy.UnknownHost);

        var reply = await bot.SendAsync(SandboxFixture.Ask("[[say=hello]]"));

        Assert.Equal(("hello", 1), (reply.Content, proxy.Connections));
    }

    [Fact]
    public void Options_ThatAreMissing_AreReported()
    {
        Assert.Contains("Session", Assert.Throws<ArgumentException>(() => sandbox.NewBot("")).Message, StringComparison.Ordinal);
        Assert.Contains("Bot", Assert.Throws<ArgumentException>(() => sandbox.NewBot(bot: new RealCozeBot(""))).Message, StringComparison.Ordinal);
        Assert.Contains("proxy", Assert.Throws<ArgumentException>(() => sandbox.NewBot(proxy: "ftp://x")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Send_NothingToSend_IsRefused()
    {
        using var bot = sandbox.NewBot();

        await Assert.ThrowsAsync<ArgumentException>(() => bot.SendAsync([]));
        await Assert.ThrowsAsync<ArgumentException>(() => bot.SendAsync([new(2, "no list", 6)]));
    }
}
