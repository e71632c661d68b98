using System.Text;

namespace CozeCluster.Upstreams.Tests;

/// <summary>Seals by turning round; good enough to see that nothing sends what is sealed.</summary>
internal sealed class TestSeal : ISecretSeal
{
    public int Opened { get; private set; }

    public Secret Seal(string plain) => new(Convert.ToBase64String(Encoding.UTF8.GetBytes(plain).Reverse().ToArray()));

    public string Open(Secret secret)
    {
        Opened++;
        return Encoding.UTF8.GetString(Convert.FromBase64String(secret.Sealed).Reverse().ToArray());
    }
}

/// <summary>Blobs in memory.</summary>
internal sealed class TestBlobs : IBlobStore
{
    private readonly Dictionary<string, byte[]> _blobs = [];

    public ValueTask<BlobRef> Put(string tenantId, string name, string contentType, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var id = $"blob-{_blobs.Count}";
        _blobs[id] = content.ToArray();
        return new(new BlobRef(id, contentType, name, content.Length));
    }

    public ValueTask<Stream> Open(BlobRef blob, CancellationToken cancellationToken) => _blobs.TryGetValue(blob.Id, out var content)
        ? new(new MemoryStream(content))
        : throw new ClusterException(ErrorCode.NotFound, "The upload has expired.");
}

/// <summary>Gives out what it holds in the pieces it was told to, then ends or breaks.</summary>
internal sealed class PiecesStream(IEnumerable<byte[]> pieces, Exception? end = null) : Stream
{
    private readonly Queue<byte[]> _pieces = new(pieces.Where(piece => piece.Length > 0));
    private int _at;

    /// <summary>How many reads asked for bytes.</summary>
    public int Reads { get; private set; }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public static PiecesStream Of(string text, int size = int.MaxValue) => new(Encoding.UTF8.GetBytes(text).Chunk(size));

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty) return 0;
        Reads++;
        if (_pieces.Count == 0) return end is null ? 0 : throw end;
        var rest = _pieces.Peek().AsSpan(_at);
        var read = Math.Min(rest.Length, buffer.Length);
        rest[..read].CopyTo(buffer);
        _at += read;
        if (_at == _pieces.Peek().Length)
        {
            _pieces.Dequeue();
            _at = 0;
        }
        return read;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
    public override void Flush() { }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
