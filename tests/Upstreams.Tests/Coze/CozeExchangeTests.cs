using System.Collections.Concurrent;
using System.Text;

namespace CozeCluster.Upstreams.Tests.Coze;

/// <summary>How streams are read, and how they break.</summary>
public sealed class CozeExchangeTests : IDisposable
{
    private static readonly string Whole =
        ": hi\n\n" + Wire.Created + Wire.Thought("Hm 🤔") + Wire.Delta("你好 \ud83d\ude80") + Wire.Delta("\"quoted\"\n")
        + Wire.MessageCompleted("answer", "你好 🚀\"quoted\"\n") + Wire.MessageCompleted("follow_up", "And?", "u1") + Wire.Completed + Wire.Done;

    private readonly CozeRig _rig = new();

    public void Dispose() => _rig.Dispose();

    public static TheoryData<string> LineEnds => ["\n", "\r\n", "\r"];

    [Theory]
    [MemberData(nameof(LineEnds))]
    public async Task Read_SplitAtEveryByte_ReturnsTheSameReply(string lineEnd)
    {
        var wire = Encoding.UTF8.GetBytes(Whole.Replace("\n", lineEnd));
        for (var cut = 1; cut < wire.Length; cut++)
        {
            var sink = new RecordingSink();
            await using var exchange = _rig.Exchange(new PiecesStream([wire[..cut], wire[cut..]]));
            await sink.ReadAll(exchange);
            AssertWhole(sink);
        }
        for (var size = 1; size < 20; size++)
        {
            var sink = new RecordingSink();
            await using var exchange = _rig.Exchange(new PiecesStream(wire.Chunk(size)));
            await sink.ReadAll(exchange);
            AssertWhole(sink);
        }
    }

    [Fact]
    public async Task Read_CutAtEveryByte_NeverLooksComplete()
    {
        var wire = Encoding.UTF8.GetBytes(Whole);
        var end = Encoding.UTF8.GetByteCount(Whole[..Whole.IndexOf(Wire.Completed, StringComparison.Ordinal)]) + Wire.Completed.TrimEnd().Length;
        for (var cut = 0; cut < end; cut++)
        {
            foreach (var reset in new Exception?[] { null, new IOException("reset") })
            {
                var sink = new RecordingSink();
                await using var exchange = _rig.Exchange(new PiecesStream([wire[..cut]], reset));

                var error = await sink.ReadUntilBroken(exchange);

                Assert.Equal(ErrorCode.UpstreamUnavailable, error.Code);
                Assert.Equal(0, sink.Ends);
                Assert.StartsWith(sink.Answers.FirstOrDefault() ?? "", "你好 🚀\"quoted\"\n");
                // The error stays the same.
                Assert.Same(error, await sink.ReadUntilBroken(exchange));
            }
        }
    }

    [Fact]
    public async Task Read_EverythingAtOnce_IsOneBatch()
    {
        await using var exchange = _rig.Exchange(PiecesStream.Of(Whole));
        var sink = new RecordingSink();

        Assert.True(await exchange.WaitToRead(CozeRig.Stop));
        exchange.Read(sink);
        Assert.False(await exchange.WaitToRead(CozeRig.Stop));

        AssertWhole(sink);
    }

    [Fact]
    public async Task WaitToRead_StreamEndsWithoutAnEnd_Throws()
    {
        var sink = new RecordingSink();
        await using var exchange = _rig.Exchange(PiecesStream.Of(Wire.Created + Wire.Delta("Hel") + Wire.MessageCompleted("answer", "Hello")));

        Assert.Equal(ErrorCode.UpstreamUnavailable, (await sink.ReadUntilBroken(exchange)).Code);
        Assert.Equal("Hello", sink.Answer);
        Assert.Contains("turn_1", _rig.Logger.Text);
    }

    [Theory]
    [InlineData("event:error\ndata:{}\n\n")]
    [InlineData("event:error\ndata:{\"code\":0,\"msg\":\"\"}\n\n")]
    [InlineData("event:error\n\n")]
    [InlineData("event:done\ndata:\"[DONE]\"\n\n")]
    public async Task WaitToRead_EmptyEnd_IsABrokenStream(string end)
    {
        var sink = new RecordingSink();
        await using var exchange = _rig.Exchange(PiecesStream.Of(Wire.Created + Wire.Delta("Hel") + end));

        Assert.Equal(ErrorCode.UpstreamUnavailable, (await sink.ReadUntilBroken(exchange)).Code);
        Assert.Equal(0, sink.Ends);
        Assert.Equal("c1", sink.Ids["conversation_id"]);
    }

    [Theory]
    [InlineData("event:conversation.message.delta\ndata:not json\n\n")]
    [InlineData("event:conversation.message.delta\ndata:{\"content\":\n\n")]
    [InlineData("event:conversation.message.delta\ndata:[]\n\n")]
    [InlineData("event:conversation.message.completed\ndata:\n\n")]
    [InlineData("event:conversation.chat.completed\ndata:{\n\n")]
    public async Task WaitToRead_InvalidJsonInAnEvent_IsAProtocolError(string garbage)
    {
        var sink = new RecordingSink();
        await using var exchange = _rig.Exchange(PiecesStream.Of(Wire.Delta("x") + garbage + Wire.Completed));

        Assert.Equal(ErrorCode.UpstreamProtocol, (await sink.ReadUntilBroken(exchange)).Code);
        Assert.Equal("x", sink.Answer);
        Assert.Equal(0, sink.Ends);
    }

    [Fact]
    public async Task WaitToRead_HugeEvent_IsAProtocolError()
    {
        var sink = new RecordingSink();
        await using var exchange = _rig.Exchange(PiecesStream.Of(Wire.Delta(new string('x', 10_000_000))));

        Assert.Equal(ErrorCode.UpstreamProtocol, (await sink.ReadUntilBroken(exchange)).Code);
    }

    [Fact]
    public async Task Read_LongAnswers_AreWhole()
    {
        var text = new string('长', 300_000);

        Assert.Equal(text, (await _rig.Read(Wire.Delta(text) + Wire.MessageCompleted("answer", text) + Wire.Completed, pieceSize: 9_000)).Answer);
    }

    [Fact]
    public async Task Read_SteadyDeltas_AllocatesNothing()
    {
        const int Count = 20_000;
        var delta = Wire.Delta("Hel\\nlo 你好").Replace("\\\\n", "\\n");
        var sink = new CountingSink();
        await using var exchange = _rig.Exchange(new MemoryStream(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(delta, Count)))));

        var allocated = 0L;
        while (sink.Appends < Count && await exchange.WaitToRead(CozeRig.Stop))
        {
            // The first read opens the part and reports the ids.
            var isWarm = sink.Appends > 0;
            var before = GC.GetAllocatedBytesForCurrentThread();
            exchange.Read(sink);
            if (isWarm) allocated += GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Equal(Count, sink.Appends);
        // Less than one byte per delta: a pool may have been trimmed meanwhile.
        Assert.True(allocated < Count, $"{allocated} bytes for {Count} deltas");
    }

    [Fact]
    public async Task DisposeAsync_WhileWaiting_EndsTheWait()
    {
        await using var server = await WireServer.Start(async (context, _) =>
        {
            await WireServer.Stream(context, Wire.Created);
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        using var rig = new CozeRig(server.BaseUrl);
        var exchange = await rig.Upstream.Open(rig.Turn("hi"), CozeRig.Stop);
        Assert.True(await exchange.WaitToRead(CozeRig.Stop));
        exchange.Read(new RecordingSink());

        var waiting = exchange.WaitToRead(CozeRig.Stop).AsTask();
        await exchange.DisposeAsync();

        Assert.Equal(ErrorCode.UpstreamUnavailable, (await Assert.ThrowsAsync<ClusterException>(() => waiting)).Code);
    }

    [Fact]
    public async Task DisposeAsync_AfterTheEnd_KeepsTheConnectionForReuse()
    {
        var connections = new ConcurrentDictionary<string, int>();
        await using var server = await WireServer.Start((context, _) =>
        {
            connections[context.Connection.Id] = 1;
            return WireServer.Stream(context, Whole);
        });
        using var rig = new CozeRig(server.BaseUrl);

        for (var i = 0; i < 20; i++) AssertWhole(await rig.Run(rig.Turn("hi")));

        Assert.True(connections.Count < 20, "Every turn used a new connection.");
    }

    private static void AssertWhole(RecordingSink sink)
    {
        Assert.Equal("你好 🚀\"quoted\"\n", sink.Answer);
        Assert.Equal(["Hm 🤔"], sink.Reasoning);
        Assert.Equal(new FollowUpItem("u1", "And?"), Assert.Single(sink.Items));
        Assert.Equal(new Usage(7, 5, 12), sink.Usage);
        Assert.Equal(FinishReason.Stop, sink.Finish);
        Assert.Equal(1, sink.Ends);
        Assert.Empty(sink.Rewrites);
    }

    private sealed class CountingSink : IReplySink
    {
        public int Appends { get; private set; }

        public int Open(string messageId, TextKind kind) => 0;
        public void Append(int part, ReadOnlySpan<char> delta) => Appends++;
        public void Set(int part, ReadOnlySpan<char> whole) { }
        public void Close(int part) { }
        public void Add(ReplyItem item) { }
        public void Identify(UpstreamHandle handle) { }
        public void SetUsage(Usage usage) { }
        public void Complete(FinishReason reason) { }
        public void Fail(Error error) { }
    }
}
