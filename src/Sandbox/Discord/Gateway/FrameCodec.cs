using System.IO.Compression;

namespace CozeCluster.Sandbox.Discord;

/// <summary>
/// Turns payloads into frames. <c>zlib-stream</c> is one deflate context per connection, each payload ended by a sync flush
/// (00 00 FF FF); <c>compress: true</c> in the identify is a whole zlib stream per payload; otherwise frames are text.
/// </summary>
internal sealed class FrameCodec : IDisposable
{
    private readonly MemoryStream _buffer = new();
    private readonly ZLibStream? _stream;

    public FrameCodec(bool zlibStream)
    {
        if (zlibStream) _stream = new ZLibStream(_buffer, CompressionLevel.Fastest, leaveOpen: true);
    }

    /// <summary>Set by an identify that asks for compressed payloads; without effect on a compressed transport.</summary>
    public bool PerPayload { get; set; }

    public bool IsBinary => _stream is not null || PerPayload;

    /// <summary>The frame; valid until the next call.</summary>
    public ReadOnlyMemory<byte> Encode(byte[] payload)
    {
        if (!IsBinary) return payload;
        _buffer.SetLength(0);
        if (_stream is not null)
        {
            _stream.Write(payload);
            _stream.Flush();
        }
        else
        {
            using var whole = new ZLibStream(_buffer, CompressionLevel.Fastest, leaveOpen: true);
            whole.Write(payload);
        }
        return _buffer.GetBuffer().AsMemory(0, (int)_buffer.Length);
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _buffer.Dispose();
    }
}
