using System.IO.Compression;
using System.Text;

namespace CozeCluster.Discord.Tests;

public sealed class ZlibInflaterTests
{
    [Fact]
    public async Task Compressed_payloads_that_are_split_at_any_byte_arrive_complete()
    {
        await using var rig = await DiscordGatewayRig.Start(o => o with { Compress = true });
        var peer = await rig.BecomeReady();
        Assert.Equal("/?v=10&encoding=json&compress=zlib-stream", Assert.Single(rig.Server.Opened));

        for (var at = 1; ; at++)
        {
            var text = $"message {at} 图😀";
            var bytes = peer.Deflate($$"""{"t":"MESSAGE_CREATE","s":{{at + 1}},"op":0,"d":{"id":"1","channel_id":"2","content":"{{text}}"} }""");
            if (at >= bytes.Length) break;
            // Two messages, and the second one in two frames.
            await peer.SendBytes(bytes.AsMemory(0, at));
            await peer.SendBytes(bytes.AsMemory(at, 1), isWhole: at + 1 == bytes.Length);
            if (at + 1 < bytes.Length) await peer.SendBytes(bytes.AsMemory(at + 1));

            Assert.Equal(text, (await rig.Next<MessageCreated>()).Message.Content);
        }
    }

    [Fact]
    public void Large_and_small_payloads_share_one_context()
    {
        using var inflater = new ZlibInflater();
        var deflated = new MemoryStream();
        using var zlib = new ZLibStream(deflated, CompressionLevel.SmallestSize, leaveOpen: true);
        var random = new Random(1);

        foreach (var length in (int[])[1, 3_000_000, 10, 70_000, 2])
        {
            var payload = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, length).Select(_ => (char)random.Next('a', 'z'))));
            deflated.SetLength(0);
            zlib.Write(payload);
            zlib.Flush();

            Assert.True(inflater.Add(deflated.ToArray(), out var complete));
            Assert.True(complete.Span.SequenceEqual(payload));
        }
    }

    [Fact]
    public void Data_that_is_not_zlib_is_rejected()
    {
        using var inflater = new ZlibInflater();

        Assert.Throws<InvalidDataException>(() => inflater.Add([1, 2, 3, 0, 0, 0xFF, 0xFF], out _));
    }

    [Fact]
    public async Task Corrupt_stream_ends_the_socket_but_not_the_session()
    {
        await using var rig = await DiscordGatewayRig.Start(o => o with { Compress = true });
        var first = await rig.BecomeReady();

        await first.SendBytes((byte[])[0xFF, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF]);
        await first.ReceiveEnd(rig.Timeout);
        var second = await rig.Server.Accept(rig.Timeout);
        await second.Hello();

        await second.Receive(6, rig.Timeout);
    }

    [Fact]
    public async Task Uncompressed_payload_that_is_longer_than_the_buffer_arrives_complete()
    {
        await using var rig = await DiscordGatewayRig.Start();
        var peer = await rig.BecomeReady();
        var text = new string('x', 100_000);

        await peer.Message(2, text);
        await peer.Message(3, "next");

        Assert.Equal(text, (await rig.Next<MessageCreated>()).Message.Content);
        Assert.Equal("next", (await rig.Next<MessageCreated>()).Message.Content);
    }
}
