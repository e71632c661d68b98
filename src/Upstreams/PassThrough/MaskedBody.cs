using CozeCluster.Upstreams.Shared.Http;

namespace CozeCluster.Upstreams.PassThrough;

/// <summary>
/// A body in which each occurrence of a secret is replaced by as many asterisks, so that the length of the body does not change. Only bytes that may be the
/// beginning of the secret wait for the next ones.
/// </summary>
/// <param name="body">The body. It is disposed with this stream.</param>
/// <param name="secret">The secret, as bytes of the body.</param>
internal sealed class MaskedBody(Stream body, byte[] secret) : ConvertedBody(body)
{
    private const int ReadSize = 16 * 1024;

    // From _start to _ready: can be read. From _ready to _end: may be the beginning of the secret.
    private readonly byte[] _buffer = new byte[ReadSize + secret.Length];
    private int _start;
    private int _ready;
    private int _end;
    private bool _isOver;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty) return 0;
        while (_start == _ready && !_isOver) await Fill(cancellationToken).ConfigureAwait(false);
        var count = Math.Min(buffer.Length, _ready - _start);
        _buffer.AsMemory(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }

    private async ValueTask Fill(CancellationToken cancellationToken)
    {
        var waiting = _end - _ready;
        _buffer.AsSpan(_ready, waiting).CopyTo(_buffer);
        (_start, _ready, _end) = (0, 0, waiting);
        var read = await Source.ReadAsync(_buffer.AsMemory(waiting, ReadSize), cancellationToken).ConfigureAwait(false);
        _end = waiting + read;
        _isOver = read == 0;
        Mask(_buffer.AsSpan(0, _end));
        _ready = _isOver ? _end : _end - LengthOfBeginning(_buffer.AsSpan(0, _end));
    }

    private void Mask(Span<byte> bytes)
    {
        while (bytes.IndexOf(secret) is >= 0 and var found)
        {
            bytes.Slice(found, secret.Length).Fill((byte)'*');
            bytes = bytes[(found + secret.Length)..];
        }
    }

    /// <summary>How many bytes at the end may be the beginning of the secret.</summary>
    private int LengthOfBeginning(ReadOnlySpan<byte> bytes)
    {
        for (var length = Math.Min(bytes.Length, secret.Length - 1); length > 0; length--)
        {
            if (bytes.EndsWith(secret.AsSpan(0, length))) return length;
        }
        return 0;
    }
}
