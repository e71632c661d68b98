using System.Net.WebSockets;
using System.Text;
using CozeCluster.Gateway.Surfaces.Rca;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Rca;

public sealed class RcaSocketTests
{
    private const string Uuid = "0936c0b8-d3c8-42b1-b63e-548cfbe25077";
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("ws")]
    [InlineData("http")]
    public async Task Message_GetsFramesWithItsUuidUntilTheReplyEnds(string mode)
    {
        await using var host = await RcaHost.Start(mode);
        using var socket = await host.Connect();
        await socket.SendHistory(Uuid);
        var conversation = await host.WaitForTurn();

        await conversation.Post(new Cursor(0, 2), Reply.Text("不好"));
        Assert.Equal(Frame("不好", "true"), (await socket.Receive())?.GetRawText());
        await conversation.Post(new Cursor(0, 4), Reply.Text("意思", offset: 2), Reply.Stop());
        Assert.Equal(Frame("不好意思", "false"), (await socket.Receive())?.GetRawText());

        Assert.Equal(3, conversation.Request!.Messages.Count);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", TestContext.Current.CancellationToken).WaitAsync(Hang);
        Assert.DoesNotContain("cancel", conversation.Calls);

        static string Frame(string content, string isGrowing) =>
            $$$"""{"uuid":"{{{Uuid}}}","data":{"content":"{{{content}}}","continue":{{{isGrowing}}},"reply_type":1}}""";
    }

    [Fact]
    public async Task Messages_AreAnsweredAtTheSameTime()
    {
        await using var host = await RcaHost.Start("ws");
        using var socket = await host.Connect();
        await socket.SendHistory("a");
        await socket.SendHistory("b");
        await Until.True(() => host.Grains.Conversations.Count(conversation => conversation.Request is not null) == 2);

        // The second one ends first.
        foreach (var conversation in host.Grains.Conversations.Reverse()) await conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());

        var uuids = new[] { await socket.Receive(), await socket.Receive() }.Select(frame => frame?.GetProperty("uuid").GetString());
        Assert.Equal(["a", "b"], uuids.Order());
    }

    [Theory]
    [InlineData("connection lost")]
    [InlineData("connection closed")]
    public async Task Disconnect_CancelsTheTurns(string how)
    {
        await using var host = await RcaHost.Start("ws");
        using var socket = await host.Connect();
        await socket.SendHistory(Uuid);
        var conversation = await host.WaitForTurn();

        if (how == "connection lost") socket.Abort();
        else await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", TestContext.Current.CancellationToken).WaitAsync(Hang);

        await conversation.Cancelled.Task.WaitAsync(Hang);
    }

    [Fact]
    public async Task TurnThatFails_GetsAFailureAndTheConnectionStays()
    {
        await using var host = await RcaHost.Start("ws");
        using var socket = await host.Connect();
        await socket.SendHistory(Uuid);
        var conversation = await host.WaitForTurn();
        await conversation.Post(new Cursor(0, 1), Reply.Text("x"));
        await socket.Receive();

        await conversation.Post(new Cursor(0, 1), Reply.Failed(ErrorCode.UpstreamTimeout, "Too late."));

        Assert.Equal($$"""{"uuid":"{{Uuid}}","success":false,"data":{},"errmsg":"Too late."}""", (await socket.Receive())?.GetRawText());
        host.Grains.OnBegin = next => next.Post(new Cursor(0, 1), Reply.Text("y"), Reply.Stop());
        await socket.SendHistory(Uuid);
        Assert.Equal("y", (await socket.Receive())?.GetProperty("data").GetProperty("content").GetString());
    }

    [Theory]
    [InlineData("not json", "main-thread")]
    [InlineData("[]", "main-thread")]
    [InlineData("""{"data":[{"role":2,"content":"x"}]}""", "main-thread")]
    [InlineData("""{"uuid":"u","data":[]}""", "u")]
    [InlineData("""{"uuid":"u"}""", "u")]
    public async Task InvalidMessage_GetsAFailureAndTheConnectionStays(string message, string uuid)
    {
        await using var host = await RcaHost.Start("ws", onBegin: conversation => conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop()));
        using var socket = await host.Connect();

        await socket.Send(message);
        var failure = await socket.Receive();
        await socket.SendHistory("next");

        Assert.Equal((uuid, false), (failure?.GetProperty("uuid").GetString(), failure?.GetProperty("success").GetBoolean()));
        Assert.Equal("next", (await socket.Receive())?.GetProperty("uuid").GetString());
    }

    [Fact]
    public async Task MessageInFragmentsOrBinary_IsRead()
    {
        await using var host = await RcaHost.Start("ws", onBegin: conversation => conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop()));
        using var socket = await host.Connect();
        var bytes = Encoding.UTF8.GetBytes($$"""{"uuid":"u","data":{{RcaHost.History}}}""");

        await socket.SendAsync(bytes.AsMemory(0, 20), WebSocketMessageType.Binary, endOfMessage: false, TestContext.Current.CancellationToken);
        await socket.SendAsync(bytes.AsMemory(20), WebSocketMessageType.Binary, endOfMessage: true, TestContext.Current.CancellationToken);

        Assert.Equal("u", (await socket.Receive())?.GetProperty("uuid").GetString());
    }

    [Fact]
    public async Task MessageThatIsTooLarge_EndsTheConnectionAndItsTurns()
    {
        await using var host = await RcaHost.Start("ws");
        using var socket = await host.Connect();
        await socket.SendHistory(Uuid);
        var conversation = await host.WaitForTurn();

        var chunk = new byte[256 << 10];
        for (var sent = 0; sent <= RcaConnection.MaxMessageBytes; sent += chunk.Length)
            await socket.SendAsync(chunk, WebSocketMessageType.Text, endOfMessage: false, TestContext.Current.CancellationToken);

        Assert.Null(await socket.Receive());
        Assert.Equal(WebSocketCloseStatus.MessageTooBig, socket.CloseStatus);
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", TestContext.Current.CancellationToken);
        await conversation.Cancelled.Task.WaitAsync(Hang);
    }

    [Fact]
    public async Task TurnsOfAConnection_AreLimited()
    {
        await using var host = await RcaHost.Start("ws");
        using var socket = await host.Connect();
        for (var i = 0; i < RcaConnection.MaxTurns; i++) await socket.SendHistory($"u{i}");

        await socket.SendHistory("one-too-many");

        var failure = await socket.Receive();
        Assert.Equal("one-too-many", failure?.GetProperty("uuid").GetString());
        await Until.True(() => host.Grains.Conversations.Count(conversation => conversation.Request is not null) == RcaConnection.MaxTurns);
    }

    [Fact]
    public async Task UuidThatIsBeingAnswered_IsRefused()
    {
        await using var host = await RcaHost.Start("ws");
        using var socket = await host.Connect();
        await socket.SendHistory("same");

        await socket.SendHistory("same");

        Assert.Contains("uuid", (await socket.Receive())?.GetProperty("errmsg").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connections_AreLimited()
    {
        await using var host = await RcaHost.Start("ws");
        var sockets = new List<ClientWebSocket>();
        for (var i = 0; i < RcaSockets.MaxConnectionsOfTenant; i++) sockets.Add(await host.Connect());

        Assert.Equal("429", (await Assert.ThrowsAsync<HttpRequestException>(() => host.Connect())).Message);
        sockets[0].Abort();
        ClientWebSocket? next = null;
        await Until.True(() => TryConnect(host, out next));

        next!.Dispose();
        foreach (var socket in sockets) socket.Dispose();

        static bool TryConnect(GatewayHost host, out ClientWebSocket? socket)
        {
            var connecting = host.Connect().ContinueWith(task => task.IsCompletedSuccessfully ? task.Result : null, TaskScheduler.Default);
            return (socket = connecting.GetAwaiter().GetResult()) is not null;
        }
    }

    [Theory]
    [InlineData(null, "401")]
    [InlineData("sk-wrong", "401")]
    [InlineData("sk-admin", "403")]
    [InlineData("sk-test", null)]
    public async Task Key_IsASubprotocolThatTheServerDoesNotRepeat(string? key, string? refusal)
    {
        await using var host = await RcaHost.Start("ws", anonymous: null);
        string[] protocols = key is null ? ["rca"] : ["rca", $"key.{key}"];

        if (refusal is not null)
        {
            Assert.Equal(refusal, (await Assert.ThrowsAsync<HttpRequestException>(() => host.Connect(protocols))).Message);
            return;
        }
        using var socket = await host.Connect(protocols);

        Assert.Equal("rca", socket.SubProtocol);
        await socket.SendHistory(Uuid);
        Assert.Equal("test", (await host.WaitForTurn()).Request!.KeyName);
        Assert.DoesNotContain(key!, string.Join('\n', socket.HttpResponseHeaders!.SelectMany(header => header.Value)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://chat.example.com", true)]
    [InlineData("https://evil.example.com", false)]
    [InlineData("own", true)]
    [InlineData(null, true)]
    public async Task PagesOfOtherOrigins_AreRefusedWhereOriginsAreConfigured(string? origin, bool allowed)
    {
        await using var host = await RcaHost.Start("ws", configure: options => options.CorsOrigins.Add("https://chat.example.com"));
        if (origin == "own") origin = host.Http.BaseAddress!.GetLeftPart(UriPartial.Authority);

        if (allowed) (await host.Connect(origin: origin)).Dispose();
        else Assert.Equal("403", (await Assert.ThrowsAsync<HttpRequestException>(() => host.Connect(origin: origin))).Message);
    }

    [Theory]
    [InlineData("https://evil.example.com", false)]
    [InlineData("own", true)]
    [InlineData(null, true)]
    public async Task PagesOfOtherOrigins_NeedAKeyEverywhere(string? origin, bool allowed)
    {
        await using var host = await RcaHost.Start("ws");
        host.Grains.Fleet.Endpoints = new FleetEndpoints([RcaHost.Endpoint("ws") with { Anonymous = "acme" }], HasCompatKeys: false);
        if (origin == "own") origin = host.Http.BaseAddress!.GetLeftPart(UriPartial.Authority);

        if (allowed) (await host.Connect(origin: origin)).Dispose();
        else Assert.Equal("403", (await Assert.ThrowsAsync<HttpRequestException>(() => host.Connect(origin: origin))).Message);
        (await host.Connect(["rca", "key.sk-test"], origin)).Dispose();
    }

    [Fact]
    public async Task LimitOfTheEndpoint_CountsMessages()
    {
        await using var host = await RcaHost.Start("ws");
        host.Grains.Fleet.Endpoints = new FleetEndpoints([RcaHost.Endpoint("ws") with { RequestsPerMinute = 2 }], HasCompatKeys: false);
        using var socket = await host.Connect();

        await socket.SendHistory("first");
        await socket.SendHistory("second");

        Assert.Equal("second", (await socket.Receive())?.GetProperty("uuid").GetString());
    }

    [Fact]
    public async Task KeyThatIsRevoked_BeginsNoTurn()
    {
        await using var host = await RcaHost.Start("ws", anonymous: null);
        using var socket = await host.Connect(["rca", "key.sk-test"]);

        host.Grains.Fleet.Revoke("sk-test");
        await socket.SendHistory(Uuid);

        Assert.Contains("revoked", (await socket.Receive())?.GetProperty("errmsg").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task EndpointThatIsNotAnonymousAnyMore_BeginsNoTurn()
    {
        await using var host = await RcaHost.Start("ws");
        using var socket = await host.Connect();

        host.Grains.Fleet.Endpoints = new FleetEndpoints([RcaHost.Endpoint("ws", anonymous: null)], HasCompatKeys: false);
        await socket.SendHistory(Uuid);

        Assert.Contains("API key", (await socket.Receive())?.GetProperty("errmsg").GetString(), StringComparison.Ordinal);
        Assert.Empty(host.Grains.Conversations);
    }

    [Fact]
    public async Task NodeThatStops_EndsTheConnectionAfterItsLastReply()
    {
        await using var host = await RcaHost.Start("ws");
        using var socket = await host.Connect();
        using var idle = await host.Connect();
        await socket.SendHistory(Uuid);
        var conversation = await host.WaitForTurn();

        var stopping = host.Stop();
        Assert.Null(await idle.Receive());
        await conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());

        Assert.Equal("x", (await socket.Receive())?.GetProperty("data").GetProperty("content").GetString());
        Assert.Null(await socket.Receive());
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, socket.CloseStatus);
        foreach (var each in new[] { socket, idle }) await each.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", TestContext.Current.CancellationToken);
        await stopping.WaitAsync(Hang);
    }
}
