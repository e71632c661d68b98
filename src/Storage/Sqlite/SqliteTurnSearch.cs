using System.Text;
using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>
/// Searches turns, with one statement for each set of terms, prepared when it is first needed. Each names the index to use: the planner of SQLite knows nothing
/// about the rows, and would take any index that fits. Used by one thread at a time.
/// </summary>
internal sealed class SqliteTurnSearch(SqliteConnection connection) : IDisposable
{
    private const int StatusShift = 6;

    // The terms that have an index, and the index; from the term that usually finds the fewest turns to the one that finds the most. A state is between them.
    private static readonly (int Term, string Column, string Index)[] BeforeStatus =
        [(1 << 0, "turn_id", "turns_by_turn"), (1 << 1, "user", "turns_by_user")];

    private static readonly (int Term, string Column, string Index)[] AfterStatus =
        [(1 << 2, "account", "turns_by_account"), (1 << 3, "bot", "turns_by_bot"), (1 << 4, "model", "turns_by_model"), (1 << 5, "tenant", "turns_by_tenant")];

    private readonly Dictionary<int, SqliteStatement> _statements = [];

    /// <summary>Finds turns, newest first.</summary>
    public IReadOnlyList<TurnRow> Run(TurnQuery query)
    {
        string?[] terms = [query.TurnId, query.User, query.AccountId, query.BotId, query.Model, query.TenantId];
        var shape = query.Status is { } status ? ((int)status + 1) << StatusShift : 0;
        var values = new List<object?>
        {
            query.From is { } from ? TurnRowId.At(from) : 0L,
            Math.Min(query.Before ?? long.MaxValue, query.Until is { } until ? TurnRowId.At(until) : long.MaxValue),
            (long)query.Limit,
        };
        for (var i = 0; i < terms.Length; i++)
        {
            if (terms[i] is not { } term) continue;
            shape |= 1 << i;
            values.Add(term);
        }
        if (!_statements.TryGetValue(shape, out var statement)) _statements.Add(shape, statement = Create(shape));
        using var row = statement.Query([.. values]);
        var found = new List<TurnRow>();
        while (row.Read()) found.Add(SqliteTurnRows.ReadTurn(row));
        return found;
    }

    /// <summary>The statement for a set of terms. Its parameters are the lowest id, the id after the highest, the limit, and the terms.</summary>
    internal static string BuildSql(int shape)
    {
        var index = "";
        var where = new StringBuilder("id >= $0 AND id < $1");
        var parameter = 3;
        AddTerms(BeforeStatus);
        // The state is part of the text, because an index of some rows can only be used for a state that the planner knows.
        if (shape >> StatusShift is > 0 and var status)
        {
            var isUnfinished = (TurnStatus)(status - 1) is TurnStatus.Queued or TurnStatus.Running;
            if (isUnfinished) where.Append(" AND ended_at IS NULL");
            where.Append($" AND status = {status - 1}");
            if (isUnfinished) UseIndex("turns_unfinished");
            else if ((TurnStatus)(status - 1) is TurnStatus.Failed or TurnStatus.Cancelled) UseIndex("turns_by_status");
        }
        AddTerms(AfterStatus);
        return $"SELECT {SqliteTurnRows.TurnColumns} FROM turns {(index.Length == 0 ? "NOT INDEXED" : "INDEXED BY " + index)} WHERE {where} ORDER BY id DESC LIMIT $2";

        void AddTerms((int Term, string Column, string Index)[] terms)
        {
            foreach (var (term, column, termIndex) in terms)
            {
                if ((shape & term) == 0) continue;
                where.Append($" AND {column} = ${parameter++}");
                UseIndex(termIndex);
            }
        }

        void UseIndex(string name)
        {
            if (index.Length == 0) index = name;
        }
    }

    public void Dispose()
    {
        foreach (var statement in _statements.Values) statement.Dispose();
    }

    private SqliteStatement Create(int shape)
    {
        var parameters = new List<SqliteType> { SqliteType.Integer, SqliteType.Integer, SqliteType.Integer };
        for (var i = 0; i < StatusShift; i++)
        {
            if ((shape >> i & 1) == 1) parameters.Add(SqliteType.Text);
        }
        return new(connection, BuildSql(shape), [.. parameters]);
    }
}
