using System.IO.Compression;

namespace CozeCluster.Sandbox.Discord;

/// <summary>
/// Encodes payloads as frames. With <c>zlib-stream</c>, a connection has one deflate context, and each payload ends with a sync flush
/// (00 00 FF FF). With <c>compress: true</c> in the identify, each payload is a complete zlib stream. Otherwise frames are text.
/// </summary>
internal sealed class FrameCodec : IDisposable
{
    private readonly MemoryStream _buffer = new();
    private readonly ZLibStream? _stream;

    public FrameCodec(bool zlibStream)
    {
        if (zlibStream) _stream = new ZLibStream(_buffer, CompressionLevel.Fastest, leaveOpen: true);
    }

    /// <summary>Whether each payload is compressed, as the identify asked. It has no effect with <c>zlib-stream</c>.</summary>
    public bool PerPayload { get; set; }

    public bool IsBinary => _stream is not null || PerPayload;

    /// <summary>Encodes a payload. The frame is valid until the next call.</summary>
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
