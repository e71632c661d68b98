using Microsoft.Data.Sqlite;

namespace CozeCluster.Engine.Embedded;

/// <summary>A stored state without its content; <paramref name="UpdatedAt"/> in milliseconds since 1970 UTC.</summary>
internal readonly record struct StoredAge(string Key, long Version, long UpdatedAt)
{
    private const int PageSize = 500;

    public static IReadOnlyList<StoredAge> ReadPage(SqliteConnection connection, string kind, string after)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT key, version, updated_at FROM grain_state WHERE kind = $kind AND key > $after ORDER BY key LIMIT $limit";
        command.Parameters.AddWithValue("$kind", kind);
        command.Parameters.AddWithValue("$after", after);
        command.Parameters.AddWithValue("$limit", PageSize);
        using var row = command.ExecuteReader();
        var page = new List<StoredAge>();
        while (row.Read()) page.Add(new(row.GetString(0), row.GetInt64(1), row.GetInt64(2)));
        return page;
    }
}
