using System.Buffers;
using System.Runtime.CompilerServices;

namespace CozeCluster.Upstreams.Sse;

/// <summary>
/// Cuts a stream into server-sent events without allocating per event. Reads what the HTML standard describes (LF, CRLF or CR, comments, data in several lines,
/// a byte order mark) and a little more: a record without data, a last record without its blank line, and a line of bare JSON, which it takes for data.
/// While it waits for the far side it holds no buffer.
/// </summary>
internal sealed class SseRecordReader : IDisposable
{
    /// <summary>The largest record taken, in bytes.</summary>
    public const int MaxRecord = 4 * 1024 * 1024;

    private const int ReadSize = 16 * 1024;
    private const int LeastRoom = 2 * 1024;

    private readonly Stream _stream;
    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private bool _reading;
    private bool _ended;
    private bool _disposed;

    // The record being collected. All offsets count from _start.
    private int _line;
    private int _scanned;
    private Field _name;
    private Field _data;
    private byte[]? _nameAside;
    private bool _complete;
    private bool _loose;
    private bool _skipLineFeed;
    private bool _atBeginning = true;

    /// <param name="stream">Where the events come from; owned by the caller.</param>
    /// <param name="prefix">What has been read of it already.</param>
    public SseRecordReader(Stream stream, ReadOnlySpan<byte> prefix = default)
    {
        _stream = stream;
        if (prefix.IsEmpty) return;
        _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(ReadSize, prefix.Length));
        prefix.CopyTo(_buffer);
        _end = prefix.Length;
    }

    /// <summary>Waits until at least one record is complete.</summary>
    /// <returns>False at the end of the stream.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamProtocol"/>: a record is larger than <see cref="MaxRecord"/>.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public ValueTask<bool> WaitToRead(CancellationToken cancellationToken) => Scan() ? new ValueTask<bool>(true) : Fill(cancellationToken);

    /// <summary>Takes the next complete record off the buffer.</summary>
    public bool TryRead(out SseRecord record)
    {
        if (!Scan())
        {
            record = default;
            return false;
        }
        var bytes = _buffer.AsSpan(_start);
        record = new SseRecord(_nameAside ?? _name.In(bytes), _data.In(bytes), _loose);
        Forget();
        return true;
    }

    /// <summary>Gives the buffer back.</summary>
    public void Dispose()
    {
        _disposed = true;
        // A read under way may still write into the buffer; it is then left to the garbage collector.
        if (!_reading) ReturnBuffer();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> Fill(CancellationToken cancellationToken)
    {
        while (!_ended)
        {
            if (_start == _end)
            {
                ReturnBuffer();
                await _stream.ReadAsync(Memory<byte>.Empty, cancellationToken).ConfigureAwait(false);
            }
            MakeRoom();
            _reading = true;
            try
            {
                var read = await _stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
                _end += read;
                _ended = read == 0;
            }
            finally
            {
                _reading = false;
            }
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (Scan()) return true;
        }
        return false;
    }

    /// <summary>Goes on where the last scan stopped, until a record is complete.</summary>
    private bool Scan()
    {
        while (!_complete)
        {
            var bytes = _buffer.AsSpan(_start, _end - _start);
            var rest = bytes[_scanned..];
            if (_skipLineFeed && !rest.IsEmpty)
            {
                // A carriage return ended the line at once; the line feed that belongs to it may come in another read.
                _skipLineFeed = false;
                if (rest[0] == '\n')
                {
                    _line = ++_scanned;
                    if (!HasFields) Forget();
                    continue;
                }
            }

            var length = rest.IndexOfAny((byte)'\n', (byte)'\r');
            if (length < 0)
            {
                _scanned = bytes.Length;
                if (!_ended) return false;
                if (_line < bytes.Length) Take(bytes, _line, bytes.Length - _line);
                _line = bytes.Length;
                _complete = _loose = HasFields;
                return _complete;
            }

            var (start, end) = (_line, _scanned + length);
            _skipLineFeed = bytes[end] == '\r';
            _line = _scanned = end + 1;
            if (end > start) Take(bytes, start, end - start);
            else if (HasFields) _complete = true;
            if (!HasFields) Forget();
        }
        return true;
    }

    private bool HasFields => _data.IsSet || _name.IsSet;

    private void Take(Span<byte> bytes, int start, int length)
    {
        var line = bytes.Slice(start, length);
        if (_atBeginning)
        {
            _atBeginning = false;
            var mark = line.StartsWith("\uFEFF"u8) ? 3 : 0;
            start += mark;
            line = line[mark..];
        }
        if (line.IsEmpty) return;
        if (line[0] == '{')
        {
            AddData(bytes, new Field(start, line.Length));
            return;
        }

        var colon = line.IndexOf((byte)':');
        var name = colon < 0 ? line : line[..colon];
        var skip = colon < 0 ? line.Length : colon + 1;
        if (skip < line.Length && line[skip] == ' ') skip++;
        var value = new Field(start + skip, line.Length - skip);

        if (name.SequenceEqual("data"u8)) AddData(bytes, value);
        else if (name.SequenceEqual("event"u8)) SetName(bytes, value);
    }

    private void SetName(Span<byte> bytes, Field value)
    {
        _name = value;
        // More lines of data are moved up behind the first, over whatever stands there.
        _nameAside = _data.IsSet ? value.In(bytes).ToArray() : null;
    }

    private void AddData(Span<byte> bytes, Field value)
    {
        if (!_data.IsSet)
        {
            _data = value;
            return;
        }
        var end = _data.Start + _data.Length;
        bytes[end] = (byte)'\n';
        bytes.Slice(value.Start, value.Length).CopyTo(bytes[(end + 1)..]);
        _data = new Field(_data.Start, _data.Length + 1 + value.Length);
    }

    private void Forget()
    {
        _start += _line;
        _scanned -= _line;
        _line = 0;
        _name = _data = default;
        _nameAside = null;
        _complete = _loose = false;
    }

    private void MakeRoom()
    {
        if (_buffer.Length == 0)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
            return;
        }
        if (_buffer.Length - _end >= LeastRoom) return;
        var held = _end - _start;
        if (held + LeastRoom > MaxRecord) throw new ClusterException(ErrorCode.UpstreamProtocol, $"The far side sent an event of more than {MaxRecord} bytes.");
        var buffer = _buffer;
        if (_buffer.Length - held < LeastRoom) buffer = ArrayPool<byte>.Shared.Rent(2 * _buffer.Length);
        _buffer.AsSpan(_start, held).CopyTo(buffer);
        if (buffer != _buffer) ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, _start, _end) = (buffer, 0, held);
    }

    private void ReturnBuffer()
    {
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, _start, _end) = ([], 0, 0);
    }

    private readonly record struct Field(int Start, int Length)
    {
        // Tells a field that is there, if empty, from the default.
        private readonly bool _set = true;

        public bool IsSet => _set;

        public ReadOnlySpan<byte> In(ReadOnlySpan<byte> bytes) => bytes.Slice(Start, Length);
    }
}
