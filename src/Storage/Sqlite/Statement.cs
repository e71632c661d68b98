using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>A statement with parameters <c>$0</c>, <c>$1</c> and so on, prepared at its first use. Used by one thread at a time.</summary>
internal sealed class Statement : IDisposable
{
    private readonly SqliteCommand _command;
    private bool _prepared;

    public Statement(SqliteConnection connection, string sql, params ReadOnlySpan<SqliteType> parameters)
    {
        _command = connection.CreateCommand();
        _command.CommandText = sql;
        for (var i = 0; i < parameters.Length; i++) _command.Parameters.Add($"${i}", parameters[i]);
    }

    /// <returns>How many rows changed.</returns>
    public int Run(params ReadOnlySpan<object> values)
    {
        Bind(values);
        return _command.ExecuteNonQuery();
    }

    /// <returns>The rows; to be disposed before the next use.</returns>
    public SqliteDataReader Query(params ReadOnlySpan<object> values)
    {
        Bind(values);
        return _command.ExecuteReader();
    }

    public void Dispose() => _command.Dispose();

    private void Bind(ReadOnlySpan<object> values)
    {
        for (var i = 0; i < values.Length; i++) _command.Parameters[i].Value = values[i];
        if (_prepared) return;
        _command.Prepare();
        _prepared = true;
    }
}
