using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace CozeCluster.Storage;

/// <summary>The first line of a backup file.</summary>
/// <param name="Format">Always <see cref="FormatName"/>.</param>
/// <param name="Version">The version of the format.</param>
/// <param name="CreatedAt">When the backup began.</param>
/// <param name="Product">The version of the program that wrote it.</param>
/// <param name="Source">Where the rows come from.</param>
internal sealed record BackupHeader(string Format, int Version, DateTimeOffset CreatedAt, string Product, StoreOrigin Source)
{
    public const string FormatName = "cozecluster-backup";

    /// <summary>The version that this build writes and reads.</summary>
    public const int CurrentVersion = 3;
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(BackupHeader))]
internal sealed partial class BackupJson : JsonSerializerContext;

/// <summary>
/// The format of backup files: a line with a <see cref="BackupHeader"/> as JSON; a line with a SHA-256, in hexadecimal, of the first line and of everything
/// behind the second; then records in gzip. A record is its length (32 bits, little endian) and a row (<see cref="RowCodec"/>). The last record has the length
/// 0 and is followed by the number of records before it (64 bits).
/// </summary>
internal static class BackupFile
{
    private const int MaxHeaderLength = 10_000;
    private const int HashLength = 2 * SHA256.HashSizeInBytes;
    private const int BufferSize = 1 << 17;

    /// <summary>Writes both lines. The hash is one that no content has, until <see cref="WriteHashAsync"/>.</summary>
    public static void WriteHeader(Stream file, BackupHeader header)
    {
        file.Write(JsonSerializer.SerializeToUtf8Bytes(header, BackupJson.Default.BackupHeader));
        file.Write(Encoding.ASCII.GetBytes($"\n{new string('-', HashLength)}\n"));
    }

    /// <summary>Reads the first line. The position is then that of the hash.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: this build cannot read the file.</exception>
    public static BackupHeader ReadHeader(Stream file)
    {
        file.Position = 0;
        var line = new ArrayBufferWriter<byte>();
        for (int next; (next = file.ReadByte()) >= 0 && next != '\n' && line.WrittenCount < MaxHeaderLength;) line.Write([(byte)next]);
        if (Parse(line.WrittenSpan) is not { Format: BackupHeader.FormatName, Source: not null } header)
            throw CreateError("It is not a backup of CozeCluster.");
        if (header.Version == BackupHeader.CurrentVersion) return header;
        throw CreateError(
            $"It has format version {header.Version}, but this build reads version {BackupHeader.CurrentVersion}. Use the build that wrote it.");
    }

    /// <summary>Computes the hash of a file whose lines are written, and writes it into the second line.</summary>
    public static async Task WriteHashAsync(Stream file, CancellationToken cancellationToken)
    {
        ReadHeader(file);
        var place = file.Position;
        var hash = await ComputeHashAsync(file, cancellationToken).ConfigureAwait(false);
        file.Position = place;
        await file.WriteAsync(Encoding.ASCII.GetBytes(hash), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Verifies that a file is as it was written. The position is then that of the records.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: it is not.</exception>
    public static async Task VerifyHashAsync(Stream file, CancellationToken cancellationToken)
    {
        ReadHeader(file);
        var line = new byte[HashLength + 1];
        var length = await file.ReadAtLeastAsync(line, line.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        var records = file.Position;
        ReadHeader(file);
        var expected = await ComputeHashAsync(file, cancellationToken).ConfigureAwait(false) + "\n";
        if (length < line.Length || Encoding.ASCII.GetString(line) != expected) throw CreateError("It is incomplete or was changed.");
        file.Position = records;
    }

    /// <summary>A file that cannot be restored.</summary>
    public static ClusterException CreateError(string message) => new(ErrorCode.InvalidRequest, $"The backup cannot be restored. {message}");

    // The position is that of the second line.
    private static async Task<string> ComputeHashAsync(Stream file, CancellationToken cancellationToken)
    {
        var header = new byte[file.Position];
        file.Position = 0;
        await file.ReadExactlyAsync(header, cancellationToken).ConfigureAwait(false);
        file.Position += Math.Min(HashLength + 1, file.Length - file.Position);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header);
        var buffer = new byte[BufferSize];
        for (int read; (read = await file.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;) hash.AppendData(buffer, 0, read);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static BackupHeader? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, BackupJson.Default.BackupHeader);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
