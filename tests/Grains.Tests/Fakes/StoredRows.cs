using CozeCluster.Grains.Testing;
using Microsoft.Data.Sqlite;

namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>Looks at the rows that a silo has stored, and damages them, on a connection of its own.</summary>
public static class StoredRows
{
    /// <summary>The value of a query with one row and one column; null for SQL's NULL and for no row.</summary>
    public static object? Query(this TestSilo silo, string sql, params object[] arguments)
    {
        using var connection = Open(silo);
        using var command = Create(connection, sql, arguments);
        return command.ExecuteScalar() is var value and not DBNull ? value : null;
    }

    /// <summary>The number of rows of turns and of contents of a conversation.</summary>
    public static (long Turns, long Contents) Count(this TestSilo silo, string conversationKey) =>
        ((long)silo.Query("SELECT count(*) FROM turns WHERE conversation = $0", conversationKey)!,
            (long)silo.Query("SELECT count(*) FROM contents WHERE turn IN (SELECT id FROM turns WHERE conversation = $0)", conversationKey)!);

    /// <summary>Replaces a column of a turn's row by bytes that are not JSON.</summary>
    public static void DamageRow(this TestSilo silo, string turnId, string column) =>
        Assert.Equal(1, silo.Change($"UPDATE turns SET {column} = x'ff00' WHERE turn_id = $0", turnId));

    /// <summary>Replaces a content of a turn by bytes that are not JSON.</summary>
    public static void DamageContent(this TestSilo silo, string turnId, TurnContentKind kind) => Assert.Equal(
        1, silo.Change("UPDATE contents SET payload = x'ff00' WHERE kind = $1 AND turn = (SELECT id FROM turns WHERE turn_id = $0)", turnId, (long)kind));

    private static int Change(this TestSilo silo, string sql, params object[] arguments)
    {
        using var connection = Open(silo);
        using var command = Create(connection, sql, arguments);
        return command.ExecuteNonQuery();
    }

    private static SqliteConnection Open(TestSilo silo)
    {
        var file = Directory.GetFiles(silo.Directory, "*.db").Single();
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    private static SqliteCommand Create(SqliteConnection connection, string sql, object[] arguments)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (i, argument) in arguments.Index()) command.Parameters.AddWithValue($"${i}", argument);
        return command;
    }
}
