using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace CozeCluster.Storage;

/// <summary>Writes the records of a backup file.</summary>
internal sealed class BackupRecordWriter(Stream file) : IAsyncDisposable
{
    private const int BufferSize = 1 << 16;

    private readonly GZipStream _gzip = new(file, CompressionLevel.Fastest, leaveOpen: true);
    private readonly ArrayBufferWriter<byte> _buffer = new(2 * BufferSize);
    private long _count;

    public async ValueTask WriteAsync(StoredRow row, CancellationToken cancellationToken)
    {
        var place = _buffer.WrittenCount;
        _buffer.GetSpan(sizeof(int));
        _buffer.Advance(sizeof(int));
        RowCodec.Encode(row, _buffer);
        // The length is known behind the row only.
        var record = MemoryMarshal.AsMemory(_buffer.WrittenMemory)[place..];
        BinaryPrimitives.WriteInt32LittleEndian(record.Span, record.Length - sizeof(int));
        _count++;
        if (_buffer.WrittenCount >= BufferSize) await FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes the last record.</summary>
    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        var end = _buffer.GetSpan(sizeof(int) + sizeof(long));
        BinaryPrimitives.WriteInt32LittleEndian(end, 0);
        BinaryPrimitives.WriteInt64LittleEndian(end[sizeof(int)..], _count);
        _buffer.Advance(sizeof(int) + sizeof(long));
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        await _gzip.DisposeAsync().ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => _gzip.DisposeAsync();

    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        await _gzip.WriteAsync(_buffer.WrittenMemory, cancellationToken).ConfigureAwait(false);
        _buffer.ResetWrittenCount();
    }
}

/// <summary>Reads the records of a backup file.</summary>
internal static class BackupRecordReader
{
    /// <summary>Reads all rows from the position of a file to its end.</summary>
    /// <exception cref="InvalidDataException">The records are damaged.</exception>
    public static async IAsyncEnumerable<StoredRow> ReadAsync(Stream file, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var gzip = new GZipStream(file, CompressionMode.Decompress, leaveOpen: true);
        await using var records = new BufferedStream(gzip, 1 << 16);
        var bytes = new byte[1 << 16];
        for (var count = 0L; ; count++)
        {
            await records.ReadExactlyAsync(bytes.AsMemory(0, sizeof(int)), cancellationToken).ConfigureAwait(false);
            var length = BinaryPrimitives.ReadInt32LittleEndian(bytes);
            if (length < 0) throw new InvalidDataException("A record of the backup has no valid length.");
            if (length == 0)
            {
                await records.ReadExactlyAsync(bytes.AsMemory(0, sizeof(long)), cancellationToken).ConfigureAwait(false);
                if (BinaryPrimitives.ReadInt64LittleEndian(bytes) != count) throw new InvalidDataException("Records of the backup are missing.");
                yield break;
            }
            if (length > bytes.Length) bytes = new byte[length];
            await records.ReadExactlyAsync(bytes.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
            yield return RowCodec.Decode(bytes.AsSpan(0, length));
        }
    }
}
