using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using CozeCluster.Gateway.Surfaces.Chat;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Replies;

public sealed class SseWriterTests
{
    [Fact]
    public void Text_event_is_one_line_for_every_text()
    {
        using var sink = new Sink();
        using var writer = new SseWriter(sink);
        writer.WriteText(new Cursor(1, 2, 3), "\""u8, "a\n\r\u0085\u2028\u2029\u007f\u0000b", "\""u8);
        Assert.Equal("id: 1.2.3\ndata: \"a\\n\\r\\u0085\\u2028\\u2029\u007f\\u0000b\"\n\n", sink.Text);
    }

    [Fact]
    public void Comment_is_a_line_and_not_an_event()
    {
        using var sink = new Sink();
        using var writer = new SseWriter(sink);
        writer.WriteComment("hi"u8);
        writer.WriteData(null, "1"u8);
        Assert.Equal(": hi\ndata: 1\n\n", sink.Text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("plain")]
    [InlineData("quote \" backslash \\ slash / tab \t")]
    [InlineData("你好，😀 é")]
    public void Text_reads_back_unchanged(string text) => Assert.Equal(text, Escape(text));

    [Fact]
    public void Every_character_below_surrogates_reads_back()
    {
        var all = string.Concat(Enumerable.Range(0, 0xD800).Select(code => (char)code));
        Assert.Equal(all, Escape(all));
    }

    [Fact]
    public void Half_of_a_surrogate_pair_becomes_a_replacement_character() => Assert.Equal("a\uFFFDb", Escape("a\uD83Db"));

    [Fact]
    public void Surrogate_pairs_are_not_split_between_slices_of_long_text()
    {
        for (var shift = 0; shift < 3; shift++)
        {
            var text = new string('x', shift) + string.Concat(Enumerable.Repeat("😀", 3000));
            using var sink = new Sink();
            using var writer = new SseWriter(sink);
            writer.WriteText(null, "\""u8, text, "\""u8);
            Assert.Equal(text, JsonSerializer.Deserialize(sink.Text["data: ".Length..], MessagesJson.Default.String));
        }
    }

    [Fact]
    public void Chunk_is_written_without_allocations()
    {
        using var sink = new Sink();
        using var writer = new SseWriter(sink);
        var stream = new ChatStream(new CompletionInfo(FakeFleet.KnownIds.NewTurn("t", null), "bot", 1, null), new ReplyAddresses("http://node"), true);
        var batch = new ReplyBatch("t", [Reply.Text("Hello, \"world\"\n"), Reply.Text(" and more 你好", offset: 15)], new Cursor(0, 27));
        void RenderChunks(int count)
        {
            for (var i = 0; i < count; i++)
            {
                stream.Render(writer, batch);
                sink.Clear();
            }
        }
        RenderChunks(1000);

        // The runtime may allocate once on this thread while it compiles the loop again, so the least of some runs counts.
        Assert.Equal(0, Enumerable.Range(0, 5).Min(_ =>
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            RenderChunks(1000);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }));
    }

    private static string Escape(string text)
    {
        var buffer = new byte[text.Length * JsonText.MaxBytesPerChar];
        var written = JsonText.Escape(text, buffer);
        return JsonSerializer.Deserialize($"\"{Encoding.UTF8.GetString(buffer.AsSpan(0, written))}\"", MessagesJson.Default.String)!;
    }

    /// <summary>A response body that keeps everything in memory.</summary>
    private sealed class Sink : PipeWriter, IDisposable
    {
        private readonly ArrayBufferWriter<byte> _buffer = new(1 << 20);

        public string Text => Encoding.UTF8.GetString(_buffer.WrittenSpan);

        public void Clear() => _buffer.ResetWrittenCount();

        public override void Advance(int bytes) => _buffer.Advance(bytes);

        public override Memory<byte> GetMemory(int sizeHint = 0) => _buffer.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => _buffer.GetSpan(sizeHint);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => default;

        public override void CancelPendingFlush()
        {
        }

        public override void Complete(Exception? exception = null)
        {
        }

        public void Dispose()
        {
        }
    }
}
