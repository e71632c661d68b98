using System.Text;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Orleans.Configuration;

namespace CozeCluster.Storage;

/// <summary>Lists and searches in PostgreSQL. Every list is read from an index, in its order, from where the page before has ended.</summary>
internal sealed class PostgresTurnLog(PostgresDatabase database, IOptions<ClusterOptions> cluster, TimeProvider time) : ITurnLog
{
    // The first of the two conditions on the time is the one that the index can use.
    private const string NextConversations = """
        AND LastUsedOn <= (SELECT LastUsedOn FROM previous)
        AND (LastUsedOn < (SELECT LastUsedOn FROM previous) OR Name > (SELECT Name FROM previous))
        """;

    private const string SelectUnfinished = """
        SELECT DISTINCT ConversationKey FROM CozeTurns WHERE ServiceId = $1 AND EndedOn IS NULL AND ConversationKey > $2 AND Id < $3
        ORDER BY ConversationKey LIMIT $4
        """;

    private string ServiceId => cluster.Value.ServiceId;

    public ValueTask<IReadOnlyList<ConversationHead>> ListConversations(
        string tenantId, string? afterKey, int limit, CancellationToken cancellationToken)
    {
        var batch = database.Source.CreateBatch();
        AddList(batch, tenantId, afterKey, limit);
        return ReadAsync(batch, row => PostgresRows.ReadHead(row).Head, cancellationToken);
    }

    public ValueTask<IReadOnlyList<TurnRow>> Search(TurnQuery query, CancellationToken cancellationToken)
    {
        var batch = database.Source.CreateBatch();
        AddSearch(batch, query);
        return ReadAsync(batch, PostgresRows.ReadTurn, cancellationToken);
    }

    public ValueTask<IReadOnlyList<string>> ReadUnfinished(DateTimeOffset createdBefore, string afterKey, int limit, CancellationToken cancellationToken)
    {
        var batch = database.Source.CreateBatch();
        batch.AddStatement(SelectUnfinished, ServiceId).With(afterKey).With(TurnRowId.At(createdBefore)).With(NpgsqlDbType.Integer, limit);
        return ReadAsync(batch, row => row.GetString(0), cancellationToken);
    }

    /// <summary>Adds the statement of a list to a batch.</summary>
    internal void AddList(NpgsqlBatch batch, string tenantId, string? afterKey, int limit) => batch
        .AddStatement(SelectConversations(afterKey is null ? "" : NextConversations), ServiceId)
        .With(tenantId).With(NpgsqlDbType.Integer, limit).With(afterKey);

    /// <summary>Adds the statement of a search to a batch.</summary>
    internal void AddSearch(NpgsqlBatch batch, TurnQuery query)
    {
        var before = Math.Min(query.Before ?? long.MaxValue, query.Until is { } until ? TurnRowId.At(until) : long.MaxValue);
        var command = new NpgsqlBatchCommand();
        var parameters = command.Parameters
            .With(ServiceId).With(query.From is { } from ? TurnRowId.At(from) : 0L).With(before).With(NpgsqlDbType.Integer, query.Limit);
        var terms = new StringBuilder();
        AddTerm("TurnId = $0", query.TurnId);
        AddTerm("TenantId = $0", query.TenantId);
        AddTerm("Model = $0", query.Model);
        AddTerm("left(UserName, 64) = left($0, 64) AND UserName = $0", query.User);
        if (query.Status is { } status)
        {
            parameters.With(NpgsqlDbType.Smallint, (short)status);
            terms.Append($" AND {StatusTerm(status)} = ${parameters.Count}");
        }
        // The indexes of bots and accounts contain turns that have ended. The others are few, and have an index of their own.
        var (ended, unfinished) = (new StringBuilder(), new StringBuilder());
        AddSender("BotId", query.BotId);
        AddSender("AccountId", query.AccountId);
        command.CommandText = ended.Length == 0
            ? Select("")
            : $"({Select(ended.ToString())}) UNION ALL ({Select($" AND EndedOn IS NULL{unfinished}")}) ORDER BY Id DESC LIMIT $4";
        batch.BatchCommands.Add(command);

        string Select(string condition) =>
            $"SELECT {PostgresRows.TurnColumns} FROM CozeTurns WHERE ServiceId = $1 AND Id >= $2 AND Id < $3{terms}{condition} ORDER BY Id DESC LIMIT $4";

        void AddTerm(string term, string? value)
        {
            if (value is null) return;
            parameters.With(value);
            terms.Append(" AND ").Append(term.Replace("$0", $"${parameters.Count}", StringComparison.Ordinal));
        }

        void AddSender(string column, string? value)
        {
            if (value is null) return;
            parameters.With(value);
            ended.Append($" AND Ended{column} = ${parameters.Count}");
            unfinished.Append($" AND {column} = ${parameters.Count}");
        }
    }

    private static string StatusTerm(TurnStatus status) => status switch
    {
        TurnStatus.Failed or TurnStatus.Cancelled => "FailedStatus",
        TurnStatus.Completed => "Status",
        _ => "EndedOn IS NULL AND Status",
    };

    private static string SelectConversations(string condition) => $"""
        WITH previous AS MATERIALIZED (SELECT LastUsedOn, Name FROM CozeConversations WHERE ServiceId = $1 AND ConversationKey = $4)
        SELECT {PostgresRows.HeadColumns} FROM CozeConversations
        WHERE ServiceId = $1 AND TenantId = $2 AND Name IS NOT NULL AND NOT IsDeleted {condition} ORDER BY LastUsedOn DESC, Name LIMIT $3
        """;

    private ValueTask<IReadOnlyList<T>> ReadAsync<T>(NpgsqlBatch batch, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken) =>
        PostgresReads.ReadAllAsync(database, batch, read, time, cancellationToken);
}
