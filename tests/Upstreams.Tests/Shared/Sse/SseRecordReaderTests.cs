using System.Text;
using CozeCluster.Upstreams.Shared.Sse;

namespace CozeCluster.Upstreams.Tests.Shared.Sse;

public sealed class SseRecordReaderTests
{
    [Theory]
    [InlineData("event:a\ndata:x\n\nevent:b\ndata:y\n\n")]
    [InlineData("event: a\ndata: x\n\nevent: b\ndata: y\n\n")]
    [InlineData("event:a\r\ndata:x\r\n\r\nevent:b\r\ndata:y\r\n\r\n")]
    [InlineData("event:a\rdata:x\r\revent:b\rdata:y\r\r")]
    [InlineData("\uFEFFevent:a\ndata:x\n\n\n\nevent:b\ndata:y\n\n")]
    [InlineData(": hello\n\nevent:a\n: between\ndata:x\nid: 1\nretry:5\n\n:ping\n\nevent:b\ndata:y\n\n")]
    [InlineData("data:x\nevent:a\n\ndata:y\nevent:b\n\n")]
    public async Task WaitToRead_AnyForm_SplitAnywhere_ReturnsTheSameRecords(string wire)
    {
        for (var size = 1; size <= wire.Length; size++) Assert.Equal(["a=x", "b=y"], await ReadAll(wire, size));
    }

    [Theory]
    [InlineData("data:one\ndata: two\ndata:\ndata:four\n\n", "=one\ntwo\n\nfour")]
    [InlineData("data:one\r\ndata:two\r\n\r\n", "=one\ntwo")]
    [InlineData("data:one\nevent:name\ndata:two\n\n", "name=one\ntwo")]
    [InlineData("data\n\n", "=")]
    [InlineData("event:done\n\n", "done=")]
    [InlineData("datax:no\ndata:yes\n\n", "=yes")]
    [InlineData("data:  two spaces\n\n", "= two spaces")]
    [InlineData("{\"code\":4000}\n\n", "={\"code\":4000}")]
    [InlineData("event:e\n{\"code\":1}\ndata:more\n\n", "e={\"code\":1}\nmore")]
    public async Task WaitToRead_Fields_AreJoined(string wire, string expected)
    {
        for (var size = 1; size <= wire.Length; size++) Assert.Equal([expected], await ReadAll(wire, size));
    }

    [Fact]
    public async Task WaitToRead_EndWithoutBlankLine_ReturnsTheRestAsUnterminated()
    {
        for (var size = 1; size < 20; size++)
        {
            Assert.Equal(["a=x", "b=y (unterminated)"], await ReadAll("event:a\ndata:x\n\nevent:b\ndata:y", size));
            Assert.Equal(["a=x", "b=y (unterminated)"], await ReadAll("event:a\ndata:x\n\nevent:b\ndata:y\n", size));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n\n\n")]
    [InlineData(": only a comment")]
    [InlineData("\uFEFF")]
    public async Task WaitToRead_NoRecords_ReturnsFalse(string wire) => Assert.Empty(await ReadAll(wire, 3));

    [Fact]
    public async Task WaitToRead_RecordsOfEverySize_AreWhole()
    {
        var texts = new[] { 1, 100, 16_000, 16_384, 40_000, 100_000, 1_000_000, 3 }.Select(size => new string('x', size)).ToArray();
        var wire = string.Concat(texts.Select(text => $"data:{text}\n\n"));

        Assert.Equal(texts.Select(text => "=" + text), await ReadAll(wire, 7_777));
    }

    [Fact]
    public async Task WaitToRead_RecordOverTheLimit_IsAProtocolError()
    {
        var chunk = Encoding.ASCII.GetBytes(new string('x', 64 * 1024));
        using var reader = new SseRecordReader(new PiecesStream(Enumerable.Repeat(chunk, 2 * SseRecordReader.MaxRecord / chunk.Length)));

        var error = await Assert.ThrowsAsync<ClusterException>(async () => await reader.WaitToRead(CancellationToken.None));

        Assert.Equal(ErrorCode.UpstreamProtocol, error.Code);
    }

    [Fact]
    public async Task WaitToRead_Prefix_IsReadFirst()
    {
        using var reader = new SseRecordReader(PiecesStream.Of("ta:x\n\ndata:y\n\n"), "event:a\nda"u8);

        Assert.Equal(["a=x", "=y"], await ReadAll(reader));
    }

    [Fact]
    public async Task WaitToRead_BrokenStream_ReturnsCompleteRecordsFirst()
    {
        using var reader = new SseRecordReader(new PiecesStream(["data:x\n\ndata:half"u8.ToArray()], new IOException("reset")));

        Assert.True(await reader.WaitToRead(CancellationToken.None));
        Assert.True(reader.TryRead(out var record));
        Assert.Equal("x", Encoding.UTF8.GetString(record.Data));
        Assert.False(reader.TryRead(out _));
        await Assert.ThrowsAsync<IOException>(async () => await reader.WaitToRead(CancellationToken.None));
    }

    [Fact]
    public async Task TryRead_SteadyStream_AllocatesNothing()
    {
        var wire = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("event:conversation.message.delta\ndata:{\"content\":\"hello\"}\n\n", 20_000)));
        using var reader = new SseRecordReader(new MemoryStream(wire));
        var (count, allocated) = (0, 0L);
        while (await reader.WaitToRead(CancellationToken.None))
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            while (reader.TryRead(out _)) count++;
            allocated += GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Equal(20_000, count);
        // Less than one byte per record: the runtime itself sometimes allocates.
        Assert.True(allocated < 20_000, $"{allocated} bytes for 20,000 records");
    }

    private static async Task<List<string>> ReadAll(string wire, int size)
    {
        using var reader = new SseRecordReader(PiecesStream.Of(wire, size));
        return await ReadAll(reader);
    }

    private static async Task<List<string>> ReadAll(SseRecordReader reader)
    {
        var records = new List<string>();
        while (await reader.WaitToRead(CancellationToken.None))
        {
            while (reader.TryRead(out var record))
                records.Add($"{Encoding.UTF8.GetString(record.Name)}={Encoding.UTF8.GetString(record.Data)}{(record.IsUnterminated ? " (unterminated)" : "")}");
        }
        return records;
    }
}
