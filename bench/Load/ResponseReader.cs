using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace CozeCluster.Load;

/// <summary>Reads HTTP/1.1 responses of one connection, chunked or of known length, and passes their lines to a <see cref="ReplyScanner"/>.</summary>
internal sealed class ResponseReader(ReplyScanner scanner)
{
    private enum State
    {
        Head,
        ChunkSize,
        ChunkData,
        ChunkEnd,
        Trailer,
        Body,
        Done,
    }

    // The beginnings of incomplete lines: of the body, and of HTTP headers and chunk sizes.
    private readonly ArrayBufferWriter<byte> _bodyLine = new(256);
    private readonly ArrayBufferWriter<byte> _httpLine = new(64);

    private State _state;
    private bool _chunked;
    private long _remaining;

    /// <summary>The HTTP status; 0 before it has arrived.</summary>
    public int Status { get; private set; }

    /// <summary>Whether the response has been read to its end.</summary>
    public bool IsDone => _state == State.Done;

    public void Reset()
    {
        _bodyLine.ResetWrittenCount();
        _httpLine.ResetWrittenCount();
        _state = State.Head;
        _chunked = false;
        _remaining = 0;
        Status = 0;
    }

    /// <summary>Reads bytes that have arrived.</summary>
    /// <exception cref="InvalidDataException">The bytes are not HTTP.</exception>
    public void Read(ReadOnlySpan<byte> input)
    {
        while (!input.IsEmpty && _state != State.Done)
        {
            switch (_state)
            {
                case State.ChunkData or State.Body:
                    var length = (int)Math.Min(_remaining, input.Length);
                    ReadBody(input[..length]);
                    input = input[length..];
                    _remaining -= length;
                    if (_remaining == 0) _state = _state == State.Body ? State.Done : State.ChunkEnd;
                    break;
                default:
                    input = ReadHttpLine(input);
                    break;
            }
        }
    }

    private ReadOnlySpan<byte> ReadHttpLine(ReadOnlySpan<byte> input)
    {
        var end = input.IndexOf((byte)'\n');
        if (end < 0)
        {
            _httpLine.Write(input);
            return [];
        }
        if (_httpLine.WrittenCount == 0)
        {
            HandleHttpLine(input[..end].TrimEnd((byte)'\r'));
        }
        else
        {
            _httpLine.Write(input[..end]);
            HandleHttpLine(_httpLine.WrittenSpan.TrimEnd((byte)'\r'));
            _httpLine.ResetWrittenCount();
        }
        return input[(end + 1)..];
    }

    private void HandleHttpLine(ReadOnlySpan<byte> line)
    {
        switch (_state)
        {
            case State.Head when Status == 0:
                if (!line.StartsWith("HTTP/1.1 "u8) || !Utf8Parser.TryParse(line[9..], out int status, out _))
                    throw new InvalidDataException("not an HTTP response");
                Status = status;
                break;
            case State.Head when line.IsEmpty:
                _state = _chunked ? State.ChunkSize : _remaining > 0 ? State.Body : State.Done;
                break;
            case State.Head:
                ReadHeader(line);
                break;
            case State.ChunkSize:
                if (!Utf8Parser.TryParse(line, out long size, out _, 'x')) throw new InvalidDataException("not a chunk size");
                _remaining = size;
                _state = size == 0 ? State.Trailer : State.ChunkData;
                break;
            case State.ChunkEnd:
                _state = State.ChunkSize;
                break;
            case State.Trailer when line.IsEmpty:
                _state = State.Done;
                break;
        }
    }

    private void ReadHeader(ReadOnlySpan<byte> line)
    {
        if (Ascii.EqualsIgnoreCase(line, "transfer-encoding: chunked"u8)) _chunked = true;
        var name = "content-length:"u8;
        if (line.Length > name.Length
            && Ascii.EqualsIgnoreCase(line[..name.Length], name)
            && Utf8Parser.TryParse(line[name.Length..].TrimStart((byte)' '), out long length, out _)) _remaining = length;
    }

    private void ReadBody(ReadOnlySpan<byte> body)
    {
        while (true)
        {
            var end = body.IndexOf((byte)'\n');
            if (end < 0)
            {
                if (!body.IsEmpty) _bodyLine.Write(body);
                return;
            }
            if (_bodyLine.WrittenCount == 0)
            {
                if (end > 0) scanner.ReadLine(body[..end].TrimEnd((byte)'\r'));
            }
            else
            {
                _bodyLine.Write(body[..end]);
                scanner.ReadLine(_bodyLine.WrittenSpan.TrimEnd((byte)'\r'));
                _bodyLine.ResetWrittenCount();
            }
            body = body[(end + 1)..];
        }
    }
}
