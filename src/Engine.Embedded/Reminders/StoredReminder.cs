using Microsoft.Data.Sqlite;

namespace CozeCluster.Engine.Embedded;

/// <summary>A reminder as stored: times are milliseconds since 1970 UTC, the period is in milliseconds.</summary>
internal sealed record StoredReminder(string Kind, string Key, string Name, long Due, long Period)
{
    public static IReadOnlyList<StoredReminder> ReadAll(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT kind, key, name, due, period FROM reminders";
        using var row = command.ExecuteReader();
        var all = new List<StoredReminder>();
        while (row.Read()) all.Add(new(row.GetString(0), row.GetString(1), row.GetString(2), row.GetInt64(3), row.GetInt64(4)));
        return all;
    }
}

internal sealed class ReminderSet(StoredReminder reminder) : StoreWrite
{
    protected override bool Execute(WriteStatements statements) =>
        statements.SetReminder.Run(reminder.Kind, reminder.Key, reminder.Name, reminder.Due, reminder.Period) == 1;
}

internal sealed class ReminderMove(StoredReminder from, long due) : StoreWrite
{
    protected override bool Execute(WriteStatements statements) => statements.MoveReminder.Run(from.Kind, from.Key, from.Name, from.Due, due) == 1;
}

internal sealed class ReminderDelete(string kind, string key, string name) : StoreWrite
{
    protected override bool Execute(WriteStatements statements) => statements.DeleteReminder.Run(kind, key, name) == 1;
}
