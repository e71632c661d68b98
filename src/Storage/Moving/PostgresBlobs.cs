using System.Runtime.CompilerServices;
using Npgsql;
using NpgsqlTypes;

namespace CozeCluster.Storage;

/// <summary>
/// Reads and writes the blobs of a database as <see cref="StoredRow"/>s. They belong to tenants: clusters in one database share them.
/// </summary>
internal static class PostgresBlobs
{
    /// <summary>Reads the blobs of a database, ordered by id.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="now">Blobs that have expired at this time are skipped.</param>
    /// <param name="damaged">Receives the ids of blobs whose content does not match their id. They are skipped too.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    public static async IAsyncEnumerable<StoredRow> ReadAsync(
        NpgsqlConnection connection, DateTimeOffset now, List<string> damaged, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var command = PostgresTables.CreateCommand(
            connection, "SELECT Id, ExpiresOn, Content FROM CozeBlobs WHERE ExpiresOn > $1 ORDER BY Id COLLATE \"C\"", now.UtcDateTime);
        await foreach (var row in ReadAsync(command, cancellationToken).ConfigureAwait(false))
        {
            var id = (string)row["id"]!;
            if (FileBlobs.IsContentOf(id, (byte[])row["content"]!)) yield return row;
            else damaged.Add(id);
        }
    }

    /// <summary>Writes blobs. Another cluster in the same database may have stored the same blob already.</summary>
    public sealed class Writer(NpgsqlConnection connection)
    {
        // Blobs are stored for hours only, so the ids of all of them are not many.
        private readonly List<string> _ids = [];
        private readonly List<DateTime> _expiries = [];

        public async ValueTask WriteAsync(StoredRow row, CancellationToken cancellationToken)
        {
            _ids.Add((string)row["id"]!);
            _expiries.Add(DateTimeOffset.FromUnixTimeMilliseconds((long)row["expires_at"]!).UtcDateTime);
            await using var command = PostgresTables.CreateCommand(
                connection,
                """
                INSERT INTO CozeBlobs (Id, Content, ExpiresOn) VALUES ($1, $2, $3)
                ON CONFLICT (Id) DO UPDATE SET ExpiresOn = greatest(CozeBlobs.ExpiresOn, excluded.ExpiresOn)
                """,
                _ids[^1], row["content"]!, _expiries[^1]);
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }

        /// <summary>Reads the blobs that were written, ordered by id. One that existed already has its later time.</summary>
        public async IAsyncEnumerable<StoredRow> ReadBackAsync([EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await using var command = PostgresTables.CreateCommand(
                connection,
                """
                SELECT Id, least(CozeBlobs.ExpiresOn, written.ExpiresOn), Content
                FROM unnest($1, $2) AS written (Id, ExpiresOn) JOIN CozeBlobs USING (Id) ORDER BY Id COLLATE "C"
                """);
            command.Parameters.Add(new() { Value = _ids.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
            command.Parameters.Add(new() { Value = _expiries.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz });
            await foreach (var row in PostgresBlobs.ReadAsync(command, cancellationToken).ConfigureAwait(false)) yield return row;
        }
    }

    private static async IAsyncEnumerable<StoredRow> ReadAsync(NpgsqlCommand command, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var row = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await row.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            yield return new(
                RowKind.Blob, [row.GetString(0), new DateTimeOffset(row.GetDateTime(1)).ToUnixTimeMilliseconds(), row.GetFieldValue<byte[]>(2)]);
        }
    }
}
