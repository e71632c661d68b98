using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Orleans.Configuration;

namespace CozeCluster.Storage;

/// <summary>The audit log of a cluster.</summary>
internal sealed class PostgresAuditLog(PostgresDatabase database, IOptions<ClusterOptions> cluster, TimeProvider time) : IAuditLog
{
    /// <summary>Deletes entries that are too old, and then those that are too many: first those of tenants (4 is the role of a tenant admin).</summary>
    internal const string DeleteSql = """
        WITH excess AS MATERIALIZED (SELECT greatest(count(*) - $3, 0) AS Entries FROM CozeAudit WHERE ServiceId = $1),
        old AS MATERIALIZED (SELECT Id FROM CozeAudit WHERE ServiceId = $1 AND Id < $2 ORDER BY Id LIMIT $4),
        many AS MATERIALIZED (
            SELECT Id FROM CozeAudit WHERE ServiceId = $1 AND Id >= $2 AND (Role IS NULL OR Role = 4)
            ORDER BY Id LIMIT (SELECT least(greatest(Entries - (SELECT count(*) FROM old), 0), $4) FROM excess)),
        most AS MATERIALIZED (
            SELECT Id FROM CozeAudit WHERE ServiceId = $1 AND Id >= $2 AND Role <> 4
            ORDER BY Id LIMIT (SELECT least(greatest(Entries - (SELECT count(*) FROM old) - (SELECT count(*) FROM many), 0), $4) FROM excess)),
        chosen AS (SELECT Id FROM old UNION ALL SELECT Id FROM many UNION ALL SELECT Id FROM most LIMIT $4),
        deleted AS (DELETE FROM CozeAudit WHERE ServiceId = $1 AND Id = ANY (ARRAY(SELECT Id FROM chosen)) RETURNING 1)
        SELECT count(*) FROM deleted
        """;

    private string ServiceId => cluster.Value.ServiceId;

    public Task Append(AuditEntry entry) => WriteAsync(
        $"""
        INSERT INTO CozeAudit (ServiceId, {AuditRow.PostgresColumns})
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING
        """,
        parameters =>
        {
            foreach (var value in AuditRow.ValuesOf(entry))
            {
                // Only the role is no text, and it may be null.
                if (parameters.Count == 4) parameters.With(NpgsqlDbType.Smallint, value is long role ? (short)role : null);
                else parameters.With((string?)value);
            }
        });

    public Task Complete(string id, string outcome) => WriteAsync(
        $"UPDATE CozeAudit SET Outcome = $3 WHERE ServiceId = $1 AND Id = $2 AND Outcome = '{AuditEntry.UnknownOutcome}'",
        parameters => parameters.With(id).With(outcome));

    public ValueTask<IReadOnlyList<AuditEntry>> Search(AuditQuery query, CancellationToken cancellationToken)
    {
        var terms = AuditRow.TermsOf(query);
        var where = string.Concat(terms.Select((term, i) => $" AND {term.PostgresColumn} {term.Operator} ${i + 3}"));
        var batch = database.Source.CreateBatch();
        var parameters = batch
            .AddStatement($"SELECT {AuditRow.PostgresColumns} FROM CozeAudit WHERE ServiceId = $1{where} ORDER BY Id DESC LIMIT $2", ServiceId)
            .With(NpgsqlDbType.Integer, query.Limit);
        foreach (var term in terms) parameters.With(term.Value);
        return PostgresReads.ReadAsync<IReadOnlyList<AuditEntry>>(
            database,
            batch,
            async row =>
            {
                var entries = new List<AuditEntry>();
                while (await row.ReadAsync(cancellationToken).ConfigureAwait(false)) entries.Add(AuditRow.Read(row));
                return entries;
            },
            time,
            cancellationToken);
    }

    private async Task WriteAsync(string sql, Action<NpgsqlParameterCollection> addParameters)
    {
        try
        {
            var batch = database.Source.CreateBatch();
            await using var _ = batch.ConfigureAwait(false);
            addParameters(batch.AddStatement(sql, ServiceId));
            await database.WatchAsync(() => batch.ExecuteNonQueryAsync()).ConfigureAwait(false);
        }
        catch (Exception e) when (e is NpgsqlException or ObjectDisposedException)
        {
            throw PostgresReads.ToClusterException(e);
        }
    }
}
