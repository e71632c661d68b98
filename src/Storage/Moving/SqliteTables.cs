using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>Reads and writes the tables of a node's database as <see cref="StoredRow"/>s.</summary>
internal static class SqliteTables
{
    // The columns of a table are those of its kind.
    private static readonly Dictionary<RowKind, (string Table, string Order)> Tables = new()
    {
        [RowKind.State] = ("grain_state", "state, key"),
        [RowKind.Reminder] = ("reminders", "grain, name"),
        [RowKind.Conversation] = ("conversations", "key"),
        [RowKind.Turn] = ("turns", "id"),
        [RowKind.Content] = ("contents", "turn, kind"),
        [RowKind.Fleet] = ("fleet", "kind, id"),
        [RowKind.Audit] = ("audit", "id"),
    };

    /// <summary>All columns, as <c>table.column</c>.</summary>
    public static IEnumerable<string> ColumnNames =>
        Tables.SelectMany(table => RowColumns.Of(table.Key).Select(column => $"{table.Value.Table}.{column.Name}"));

    /// <summary>Reads all rows of all tables, ordered by kind and key.</summary>
    public static IEnumerable<StoredRow> Read(SqliteConnection connection) =>
        Tables.OrderBy(table => table.Key).SelectMany(table => Read(connection, table.Key));

    /// <summary>Writes rows of all kinds that are in the database.</summary>
    public sealed class Writer(SqliteConnection connection) : IDisposable
    {
        private readonly Dictionary<RowKind, SqliteStatement> _inserts = Tables.Keys.ToDictionary(kind => kind, kind => CreateInsert(connection, kind));

        public void Write(StoredRow row)
        {
            object[] values = [.. row.Values.Select(value => value ?? DBNull.Value), .. DerivedValues(row)];
            _inserts[row.Kind].Run(values);
        }

        public void Dispose()
        {
            foreach (var insert in _inserts.Values) insert.Dispose();
        }
    }

    private static IEnumerable<StoredRow> Read(SqliteConnection connection, RowKind kind)
    {
        var columns = RowColumns.Of(kind);
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT {Names(columns)} FROM {Tables[kind].Table} ORDER BY {Tables[kind].Order}";
        using var row = command.ExecuteReader();
        while (row.Read())
        {
            var values = new object?[columns.Count];
            for (var i = 0; i < values.Length; i++)
            {
                if (row.IsDBNull(i)) continue;
                values[i] = columns[i].Type switch
                {
                    ColumnType.Text => row.GetString(i),
                    ColumnType.Bytes => row.GetFieldValue<byte[]>(i),
                    _ => row.GetInt64(i),
                };
            }
            yield return new(kind, values);
        }
    }

    private static SqliteStatement CreateInsert(SqliteConnection connection, RowKind kind)
    {
        var columns = RowColumns.Of(kind);
        string[] derived = kind == RowKind.Reminder ? ["hash"] : [];
        var parameters = Enumerable.Range(0, columns.Count + derived.Length).Select(i => $"${i}");
        var types = columns
            .Select(column => column.Type switch
            {
                ColumnType.Text => SqliteType.Text,
                ColumnType.Bytes => SqliteType.Blob,
                _ => SqliteType.Integer,
            })
            .Concat(derived.Select(_ => SqliteType.Integer));
        var names = string.Join(", ", [Names(columns), .. derived]);
        return new(connection, $"INSERT INTO {Tables[kind].Table} ({names}) VALUES ({string.Join(", ", parameters)})", types.ToArray());
    }

    private static object[] DerivedValues(StoredRow row) =>
        row.Kind == RowKind.Reminder ? [(long)GrainId.Parse((string)row["grain"]!).GetUniformHashCode()] : [];

    private static string Names(IEnumerable<RowColumn> columns) => string.Join(", ", columns.Select(column => $"\"{column.Name}\""));
}
