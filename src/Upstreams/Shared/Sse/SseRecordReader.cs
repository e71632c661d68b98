using System.Buffers;
using System.Runtime.CompilerServices;

namespace CozeCluster.Upstreams.Shared.Sse;

/// <summary>One server-sent event. Its spans are valid until the next call to its reader.</summary>
internal readonly ref struct SseRecord(ReadOnlySpan<byte> name, ReadOnlySpan<byte> data, bool isUnterminated)
{
    /// <summary>The <c>event</c> field; empty if there is none.</summary>
    public ReadOnlySpan<byte> Name { get; } = name;

    /// <summary>The <c>data</c> fields, joined by line feeds.</summary>
    public ReadOnlySpan<byte> Data { get; } = data;

    /// <summary>Whether the stream ended before the blank line that terminates a record. If so, <see cref="Data"/> may be incomplete.</summary>
    public bool IsUnterminated { get; } = isUnterminated;
}

/// <summary>
/// Splits a stream into server-sent events without allocating memory per event. Accepts everything that the HTML standard describes (LF, CRLF or CR, comments,
/// data in several lines, a byte order mark), and also a record without data, a last record without its blank line, and a bare JSON
/// object or array in one or more lines, which it treats as data. Holds no buffer while it waits for the upstream.
/// </summary>
internal sealed class SseRecordReader : IDisposable
{
    /// <summary>The largest accepted record, in bytes, unless the reader is created with another limit.</summary>
    public const int MaxRecord = 4 * 1024 * 1024;

    private const int ReadSize = 16 * 1024;
    private const int MinFreeSpace = 2 * 1024;

    private readonly Stream _stream;
    private readonly int _maxRecord;
    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private bool _isReading;
    private bool _hasStreamEnded;
    private bool _isDisposed;

    // The current record. All offsets are relative to _start.
    private int _line;
    private int _scanned;
    private Field _name;
    private Field _data;
    private byte[]? _nameCopy;

    // The character that bare JSON begins with; 0 for other records.
    private byte _bareJson;
    private bool _isComplete;
    private bool _isUnterminated;
    private bool _skipLineFeed;
    private bool _isFirstLine = true;

    /// <param name="stream">The stream to read; not disposed by this reader.</param>
    /// <param name="prefix">The bytes that have already been read from the stream.</param>
    /// <param name="maxRecord">The largest accepted record, in bytes.</param>
    public SseRecordReader(Stream stream, ReadOnlySpan<byte> prefix = default, int maxRecord = MaxRecord)
    {
        _stream = stream;
        _maxRecord = maxRecord;
        if (prefix.IsEmpty) return;
        _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(ReadSize, prefix.Length));
        prefix.CopyTo(_buffer);
        _end = prefix.Length;
    }

    /// <summary>Waits until at least one record is complete.</summary>
    /// <returns>False at the end of the stream.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamProtocol"/>: a record is larger than <see cref="MaxRecord"/>.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public ValueTask<bool> WaitToRead(CancellationToken cancellationToken) => Scan() ? new ValueTask<bool>(true) : FillBuffer(cancellationToken);

    /// <summary>Reads the next complete record from the buffer.</summary>
    /// <returns>False if no record is complete.</returns>
    public bool TryRead(out SseRecord record)
    {
        if (!Scan())
        {
            record = default;
            return false;
        }
        var bytes = _buffer.AsSpan(_start);
        record = new SseRecord(_nameCopy ?? _name.Slice(bytes), _data.Slice(bytes), _isUnterminated);
        StartNextRecord();
        return true;
    }

    /// <summary>Returns the buffer to the pool.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        // A pending read may still write into the buffer. In that case the buffer is left to the garbage collector.
        if (!_isReading) ReturnBuffer();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> FillBuffer(CancellationToken cancellationToken)
    {
        while (!_hasStreamEnded)
        {
            if (_start == _end)
            {
                // An empty read waits for data without a buffer.
                ReturnBuffer();
                await _stream.ReadAsync(Memory<byte>.Empty, cancellationToken).ConfigureAwait(false);
            }
            EnsureFreeSpace();
            _isReading = true;
            try
            {
                var read = await _stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
                _end += read;
                _hasStreamEnded = read == 0;
            }
            finally
            {
                _isReading = false;
            }
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (Scan()) return true;
        }
        return false;
    }

    /// <summary>Continues where the last scan stopped, until a record is complete.</summary>
    /// <returns>False if the buffer ends before the record.</returns>
    private bool Scan()
    {
        while (!_isComplete)
        {
            var bytes = _buffer.AsSpan(_start, _end - _start);
            var rest = bytes[_scanned..];
            if (_skipLineFeed && !rest.IsEmpty)
            {
                // The carriage return has already ended the line. Its line feed may arrive in a later read.
                _skipLineFeed = false;
                if (rest[0] == '\n')
                {
                    _line = ++_scanned;
                    if (!HasFields) StartNextRecord();
                    continue;
                }
            }

            var length = rest.IndexOfAny((byte)'\n', (byte)'\r');
            if (length < 0)
            {
                _scanned = bytes.Length;
                if (!_hasStreamEnded) return false;
                if (_line < bytes.Length) ParseLine(bytes, _line, bytes.Length - _line);
                _line = bytes.Length;
                _isComplete = _isUnterminated = HasFields;
                return _isComplete;
            }

            var (start, end) = (_line, _scanned + length);
            _skipLineFeed = bytes[end] == '\r';
            _line = _scanned = end + 1;
            if (end > start) ParseLine(bytes, start, end - start);
            else if (HasFields) _isComplete = true;
            if (!HasFields) StartNextRecord();
        }
        return true;
    }

    private bool HasFields => _data.IsSet || _name.IsSet;

    private void ParseLine(Span<byte> bytes, int start, int length)
    {
        var line = bytes.Slice(start, length);
        if (_isFirstLine)
        {
            _isFirstLine = false;
            var mark = line.StartsWith("\uFEFF"u8) ? 3 : 0;
            start += mark;
            line = line[mark..];
        }
        if (line.IsEmpty) return;
        if (line[0] is (byte)'{' or (byte)'[' || _bareJson == '['
            || (_bareJson == '{' && line[0] is (byte)' ' or (byte)'\t' or (byte)'"' or (byte)'}' or (byte)']'))
        {
            if (_bareJson == 0) _bareJson = line[0];
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
        // AddData moves later data lines directly behind the first one and would overwrite a name between them.
        _nameCopy = _data.IsSet ? value.Slice(bytes).ToArray() : null;
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

    private void StartNextRecord()
    {
        _start += _line;
        _scanned -= _line;
        _line = 0;
        _name = _data = default;
        _nameCopy = null;
        _isComplete = _isUnterminated = false;
        _bareJson = 0;
    }

    private void EnsureFreeSpace()
    {
        if (_buffer.Length == 0)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
            return;
        }
        if (_buffer.Length - _end >= MinFreeSpace) return;
        var used = _end - _start;
        if (used + MinFreeSpace > _maxRecord)
            throw new ClusterException(ErrorCode.UpstreamProtocol, $"The upstream sent an event of more than {_maxRecord} bytes.");
        var buffer = _buffer;
        if (_buffer.Length - used < MinFreeSpace) buffer = ArrayPool<byte>.Shared.Rent(2 * _buffer.Length);
        _buffer.AsSpan(_start, used).CopyTo(buffer);
        if (buffer != _buffer) ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, _start, _end) = (buffer, 0, used);
    }

    private void ReturnBuffer()
    {
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, _start, _end) = ([], 0, 0);
    }

    private readonly record struct Field(int Start, int Length)
    {
        // Distinguishes a field that is present but empty from the default value.
        private readonly bool _isSet = true;

        public bool IsSet => _isSet;

        public ReadOnlySpan<byte> Slice(ReadOnlySpan<byte> bytes) => bytes.Slice(Start, Length);
    }
}
