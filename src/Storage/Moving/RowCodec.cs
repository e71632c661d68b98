using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace CozeCluster.Storage;

/// <summary>Writes rows as bytes: the kind, then each value. Equal rows have equal bytes.</summary>
internal static class RowCodec
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Appends a row to a buffer.</summary>
    public static void Encode(StoredRow row, IBufferWriter<byte> buffer)
    {
        buffer.GetSpan(1)[0] = (byte)row.Kind;
        buffer.Advance(1);
        var columns = RowColumns.Of(row.Kind);
        for (var i = 0; i < columns.Count; i++)
        {
            switch (row.Values[i])
            {
                case null when columns[i].IsNullable:
                    WriteLength(buffer, -1);
                    break;
                case string text when columns[i].Type == ColumnType.Text:
                    WriteLength(buffer, Encoding.UTF8.GetByteCount(text));
                    Encoding.UTF8.GetBytes(text, buffer);
                    break;
                case byte[] bytes when columns[i].Type == ColumnType.Bytes:
                    WriteLength(buffer, bytes.Length);
                    buffer.Write(bytes);
                    break;
                case long number when columns[i].Type is ColumnType.Number or ColumnType.Time or ColumnType.Flag:
                    WriteLength(buffer, sizeof(long));
                    BinaryPrimitives.WriteInt64LittleEndian(buffer.GetSpan(sizeof(long)), number);
                    buffer.Advance(sizeof(long));
                    break;
                case var other:
                    throw new InvalidDataException($"The column {columns[i].Name} of a row of the kind {row.Kind} contains {other ?? "nothing"}.");
            }
        }
    }

    /// <summary>Reads a row.</summary>
    /// <exception cref="InvalidDataException">The bytes are not those of a row.</exception>
    public static StoredRow Decode(ReadOnlySpan<byte> bytes)
    {
        var kind = bytes.Length > 0 ? (RowKind)bytes[0] : default;
        if (!Enum.IsDefined(kind)) throw new InvalidDataException($"There is no kind {(int)kind} of rows.");
        bytes = bytes[1..];
        var columns = RowColumns.Of(kind);
        var values = new object?[columns.Count];
        for (var i = 0; i < values.Length; i++)
        {
            var length = ReadLength(ref bytes);
            if (length > bytes.Length || (length < 0 && !columns[i].IsNullable)) throw new InvalidDataException($"A row of the kind {kind} is incomplete.");
            if (length < 0) continue;
            values[i] = columns[i].Type switch
            {
                ColumnType.Text => Utf8.GetString(bytes[..length]),
                ColumnType.Bytes => bytes[..length].ToArray(),
                _ => BinaryPrimitives.ReadInt64LittleEndian(bytes[..length]),
            };
            bytes = bytes[length..];
        }
        return bytes.IsEmpty ? new(kind, values) : throw new InvalidDataException($"A row of the kind {kind} is too long.");
    }

    private static void WriteLength(IBufferWriter<byte> buffer, int length)
    {
        BinaryPrimitives.WriteInt32LittleEndian(buffer.GetSpan(sizeof(int)), length);
        buffer.Advance(sizeof(int));
    }

    private static int ReadLength(ref ReadOnlySpan<byte> bytes)
    {
        if (!BinaryPrimitives.TryReadInt32LittleEndian(bytes, out var length)) throw new InvalidDataException("A row is incomplete.");
        bytes = bytes[sizeof(int)..];
        return length;
    }
}

/// <summary>Counts and hashes rows, so that what was written can be compared with what is read again.</summary>
internal sealed class RowDigest : IDisposable
{
    private readonly SortedDictionary<RowKind, (long Count, IncrementalHash Hash)> _kinds = [];
    private readonly ArrayBufferWriter<byte> _buffer = new();

    public StoreCounts Counts => new(_kinds.ToDictionary(pair => pair.Key, pair => pair.Value.Count));

    public void Add(StoredRow row)
    {
        _buffer.ResetWrittenCount();
        RowCodec.Encode(row, _buffer);
        var (count, hash) = _kinds.TryGetValue(row.Kind, out var known) ? known : (0, IncrementalHash.CreateHash(HashAlgorithmName.SHA256));
        hash.AppendData(_buffer.WrittenSpan);
        _kinds[row.Kind] = (count + 1, hash);
    }

    /// <summary>The first kind whose rows differ; null if all are equal.</summary>
    public RowKind? FindDifference(RowDigest other)
    {
        foreach (var kind in RowColumns.Kinds)
        {
            var (isHere, isThere) = (_kinds.TryGetValue(kind, out var here), other._kinds.TryGetValue(kind, out var there));
            if (isHere != isThere) return kind;
            if (isHere && !here.Hash.GetCurrentHash().AsSpan().SequenceEqual(there.Hash.GetCurrentHash())) return kind;
        }
        return null;
    }

    public void Dispose()
    {
        foreach (var (_, hash) in _kinds.Values) hash.Dispose();
    }
}

/// <summary>How many rows of each kind were copied.</summary>
public sealed class StoreCounts(IReadOnlyDictionary<RowKind, long> counts)
{
    /// <summary>The number of rows of a kind.</summary>
    public long this[RowKind kind] => counts.GetValueOrDefault(kind);
}
