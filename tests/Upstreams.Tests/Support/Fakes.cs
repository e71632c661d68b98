using System.Text;
using CozeCluster.TestKit;

namespace CozeCluster.Upstreams.Tests;

/// <summary>Seals a text by reversing and encoding it. That is enough to show that no sealed text is sent.</summary>
internal sealed class TestSeal : ISecretSeal
{
    public Secret Seal(string plain) => new(Convert.ToBase64String(Encoding.UTF8.GetBytes(plain).Reverse().ToArray()));

    public string Open(Secret secret) => Encoding.UTF8.GetString(Convert.FromBase64String(secret.Sealed).Reverse().ToArray());
}

/// <summary>A blob store in memory.</summary>
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

/// <summary>A stream that returns at most one piece per read, then ends or throws.</summary>
internal sealed class PiecesStream(IEnumerable<byte[]> pieces, Exception? end = null, bool staysOpen = false) : Stream
{
    private readonly Queue<byte[]> _pieces = new(pieces.Where(piece => piece.Length > 0));
    private int _at;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public static PiecesStream Of(string text, int size = int.MaxValue) => new(Encoding.UTF8.GetBytes(text).Chunk(size));

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty) return 0;
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

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (staysOpen && _pieces.Count == 0) await Task.Delay(Timeout.Infinite, cancellationToken);
        return Read(buffer.Span);
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
    public override void Flush() { }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}

internal static class ManualTimeExtensions
{
    /// <summary>Moves the clock whenever a timer is armed, until a task has completed.</summary>
    public static async Task AdvanceUntil(this ManualTime time, Task task)
    {
        while (!task.IsCompleted)
        {
            if (time.ArmedTimers > 0) time.Advance(TimeSpan.FromMilliseconds(125));
            else await Task.Yield();
        }
    }
}
