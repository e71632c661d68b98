using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage.Tests.Sqlite;

public sealed class SqliteGrainStorageTests(SqliteSilo silo) : GrainStorageTests<SqliteSilo>(silo)
{
    protected override Task InsertAsync(string key, byte[] payload) => Run(
        "INSERT INTO grain_state (state, key, version, updated_at, payload) VALUES ('test', $key, 1, 0, $payload)", ("$key", key), ("$payload", payload));

    protected override Task<byte[]> ReadPayloadAsync(string stateName, string key)
    {
        using var connection = Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT payload FROM grain_state WHERE state = $state AND key = $key";
        command.Parameters.AddWithValue("$state", stateName);
        command.Parameters.AddWithValue("$key", key);
        return Task.FromResult(Assert.IsType<byte[]>(command.ExecuteScalar()));
    }

    private Task Run(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        using var connection = Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters) command.Parameters.AddWithValue(name, value);
        Assert.Equal(1, command.ExecuteNonQuery());
        return Task.CompletedTask;
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection(SqliteSchema.ConnectionString(Silo.DataDirectory));
        connection.Open();
        return connection;
    }
}
