using System.Buffers;
using System.IO.Compression;

namespace CozeCluster.Discord;

/// <summary>
/// Decompresses <c>zlib-stream</c>: the whole connection shares one compression context, and a payload is complete when a message ends with the marker of a
/// flush.
/// </summary>
internal sealed class ZlibInflater : IDisposable
{
    private const int MaxPayload = 64 * 1024 * 1024;
    private const int MaxKept = 1024 * 1024;

    private readonly CompressedInput _input = new();
    private readonly ZLibStream _zlib;
    private ArrayBufferWriter<byte> _payload = new(16 * 1024);

    public ZlibInflater() => _zlib = new ZLibStream(_input, CompressionMode.Decompress);

    /// <summary>Adds a message.</summary>
    /// <param name="message">One WebSocket message.</param>
    /// <param name="payload">The complete payload, valid until the next call.</param>
    /// <returns>False if the payload is not complete.</returns>
    /// <exception cref="InvalidDataException">The data is not zlib, or the payload is too long.</exception>
    public bool Add(ReadOnlySpan<byte> message, out ReadOnlyMemory<byte> payload)
    {
        payload = default;
        if (_input.IsEmpty) ResetPayload();
        _input.Add(message);
        if (!_input.EndsWithFlush) return false;
        while (true)
        {
            var read = _zlib.Read(_payload.GetSpan(8 * 1024));
            if (read == 0) break;
            _payload.Advance(read);
            if (_payload.WrittenCount > MaxPayload) throw new InvalidDataException("The payload is too long.");
        }
        _input.Clear();
        payload = _payload.WrittenMemory;
        return true;
    }

    /// <inheritdoc />
    public void Dispose() => _zlib.Dispose();

    private void ResetPayload()
    {
        if (_payload.Capacity > MaxKept) _payload = new ArrayBufferWriter<byte>(16 * 1024);
        else _payload.ResetWrittenCount();
    }

    /// <summary>The data that is not decompressed yet, as a stream for <see cref="ZLibStream"/>.</summary>
    private sealed class CompressedInput : Stream
    {
        private byte[] _bytes = new byte[8 * 1024];
        private int _start;
        private int _end;

        public bool IsEmpty => _end == 0;

        public bool EndsWithFlush => _bytes.AsSpan(0, _end).EndsWith((ReadOnlySpan<byte>)[0x00, 0x00, 0xFF, 0xFF]);

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public void Add(ReadOnlySpan<byte> bytes)
        {
            if (_end + bytes.Length > MaxPayload) throw new InvalidDataException("The payload is too long.");
            if (_end + bytes.Length > _bytes.Length) Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, _end + bytes.Length));
            bytes.CopyTo(_bytes.AsSpan(_end));
            _end += bytes.Length;
        }

        public void Clear()
        {
            (_start, _end) = (0, 0);
            if (_bytes.Length > MaxKept) _bytes = new byte[8 * 1024];
        }

        public override int Read(Span<byte> buffer)
        {
            var count = Math.Min(buffer.Length, _end - _start);
            _bytes.AsSpan(_start, count).CopyTo(buffer);
            _start += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
