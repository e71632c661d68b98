using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace CozeCluster.Load;

/// <summary>Reads HTTP/1.1 responses, chunked or of known length, off one connection, and hands their lines to a <see cref="ReplyScanner"/>.</summary>
internal sealed class ResponseReader(ReplyScanner scanner)
{
    private enum Place
    {
        Head,
        ChunkSize,
        ChunkData,
        ChunkEnd,
        Trailer,
        Body,
        Done,
    }

    // Where torn lines wait for their other half: those of the body, and those of HTTP around it.
    private readonly ArrayBufferWriter<byte> _rest = new(256);
    private readonly ArrayBufferWriter<byte> _head = new(64);

    private Place _place;
    private bool _chunked;
    private long _left;

    /// <summary>The HTTP status; 0 until it has arrived.</summary>
    public int Status { get; private set; }

    /// <summary>Whether the response has been read to its end.</summary>
    public bool IsDone => _place == Place.Done;

    public void Reset()
    {
        _rest.ResetWrittenCount();
        _head.ResetWrittenCount();
        _place = Place.Head;
        _chunked = false;
        _left = 0;
        Status = 0;
    }

    /// <summary>Takes what has arrived.</summary>
    /// <exception cref="InvalidDataException">It is not HTTP.</exception>
    public void Read(ReadOnlySpan<byte> input)
    {
        while (!input.IsEmpty && _place != Place.Done)
        {
            switch (_place)
            {
                case Place.ChunkData or Place.Body:
                    var length = (int)Math.Min(_left, input.Length);
                    Lines(input[..length]);
                    input = input[length..];
                    _left -= length;
                    if (_left == 0) _place = _place == Place.Body ? Place.Done : Place.ChunkEnd;
                    break;
                default:
                    input = HttpLine(input);
                    break;
            }
        }
    }

    private ReadOnlySpan<byte> HttpLine(ReadOnlySpan<byte> input)
    {
        var end = input.IndexOf((byte)'\n');
        if (end < 0)
        {
            _head.Write(input);
            return [];
        }
        if (_head.WrittenCount == 0)
        {
            HttpLineRead(input[..end].TrimEnd((byte)'\r'));
        }
        else
        {
            _head.Write(input[..end]);
            HttpLineRead(_head.WrittenSpan.TrimEnd((byte)'\r'));
            _head.ResetWrittenCount();
        }
        return input[(end + 1)..];
    }

    private void HttpLineRead(ReadOnlySpan<byte> line)
    {
        switch (_place)
        {
            case Place.Head when Status == 0:
                if (!line.StartsWith("HTTP/1.1 "u8) || !Utf8Parser.TryParse(line[9..], out int status, out _)) throw new InvalidDataException("not an HTTP response");
                Status = status;
                break;
            case Place.Head when line.IsEmpty:
                _place = _chunked ? Place.ChunkSize : _left > 0 ? Place.Body : Place.Done;
                break;
            case Place.Head:
                Header(line);
                break;
            case Place.ChunkSize:
                if (!Utf8Parser.TryParse(line, out long size, out _, 'x')) throw new InvalidDataException("not a chunk size");
                _left = size;
                _place = size == 0 ? Place.Trailer : Place.ChunkData;
                break;
            case Place.ChunkEnd:
                _place = Place.ChunkSize;
                break;
            case Place.Trailer when line.IsEmpty:
                _place = Place.Done;
                break;
        }
    }

    private void Header(ReadOnlySpan<byte> line)
    {
        if (Ascii.EqualsIgnoreCase(line, "transfer-encoding: chunked"u8)) _chunked = true;
        const int Name = 15;
        if (line.Length > Name && Ascii.EqualsIgnoreCase(line[..Name], "content-length:"u8) && Utf8Parser.TryParse(line[Name..].TrimStart((byte)' '), out long length, out _)) _left = length;
    }

    private void Lines(ReadOnlySpan<byte> body)
    {
        while (true)
        {
            var end = body.IndexOf((byte)'\n');
            if (end < 0)
            {
                if (!body.IsEmpty) _rest.Write(body);
                return;
            }
            if (_rest.WrittenCount == 0)
            {
                if (end > 0) scanner.Line(body[..end].TrimEnd((byte)'\r'));
            }
            else
            {
                _rest.Write(body[..end]);
                scanner.Line(_rest.WrittenSpan.TrimEnd((byte)'\r'));
                _rest.ResetWrittenCount();
            }
            body = body[(end + 1)..];
        }
    }
}
