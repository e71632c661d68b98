using System.Buffers;
using System.IO.Compression;

namespace CozeCluster.Discord;

/// <summary>
/// Undoes <c>zlib-stream</c>: one compression context for the whole connection, and a payload is whole when a message ends with the mark of a flush.
/// </summary>
internal sealed class ZlibInflater : IDisposable
{
    private const int MaxPayload = 64 * 1024 * 1024;
    private const int MaxKept = 1024 * 1024;

    private readonly Feed _feed = new();
    private readonly ZLibStream _zlib;
    private ArrayBufferWriter<byte> _payload = new(16 * 1024);

    public ZlibInflater() => _zlib = new ZLibStream(_feed, CompressionMode.Decompress);

    /// <summary>Takes in a message.</summary>
    /// <param name="message">What came in one WebSocket message.</param>
    /// <param name="payload">A whole payload, valid until the next call.</param>
    /// <returns>False if there is more of it to come.</returns>
    /// <exception cref="InvalidDataException">It is not zlib, or too long.</exception>
    public bool Add(ReadOnlySpan<byte> message, out ReadOnlyMemory<byte> payload)
    {
        payload = default;
        if (_feed.IsFresh) ResetPayload();
        _feed.Add(message);
        if (!_feed.EndsWithFlush) return false;
        while (true)
        {
            var read = _zlib.Read(_payload.GetSpan(8 * 1024));
            if (read == 0) break;
            _payload.Advance(read);
            if (_payload.WrittenCount > MaxPayload) throw new InvalidDataException("The payload is too long.");
        }
        _feed.Clear();
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

    /// <summary>What came in and was not inflated yet, as the stream that the inflater reads.</summary>
    private sealed class Feed : Stream
    {
        private byte[] _bytes = new byte[8 * 1024];
        private int _start;
        private int _end;

        public bool IsFresh => _end == 0;

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
