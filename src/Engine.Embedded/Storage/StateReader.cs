using Microsoft.Data.Sqlite;

namespace CozeCluster.Engine.Embedded;

/// <summary>One connection that reads states. Used by one thread at a time.</summary>
internal sealed class StateReader : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _command;

    public StateReader(string connectionString)
    {
        _connection = new SqliteConnection(connectionString);
        _connection.Open();
        _command = _connection.CreateCommand();
        _command.CommandText = "SELECT version, payload FROM grain_state WHERE kind = $kind AND key = $key";
        _command.Parameters.Add("$kind", SqliteType.Text);
        _command.Parameters.Add("$key", SqliteType.Text);
        _command.Prepare();
    }

    public StoredState? Read(string kind, string key)
    {
        _command.Parameters[0].Value = kind;
        _command.Parameters[1].Value = key;
        using var row = _command.ExecuteReader();
        return row.Read() ? new StoredState(row.GetInt64(0), row.GetFieldValue<byte[]>(1)) : null;
    }

    public void Dispose()
    {
        _command.Dispose();
        _connection.Dispose();
    }
}
