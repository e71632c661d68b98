using System.Globalization;

namespace CozeCluster.Storage;

/// <summary>Stores reminders in the database of the grain states. Every change gives a reminder a new random version, which is its ETag.</summary>
internal sealed class SqliteReminderTable(SqliteStore store) : IReminderTable
{
    public Task<ReminderTableData> ReadRows(GrainId grainId) => Task.FromResult(ToTable(store.Read(reader => reader.ReadReminders(grainId))));

    public Task<ReminderTableData> ReadRows(uint begin, uint end) => Task.FromResult(ToTable(store.Read(reader => reader.ReadReminders(begin, end))));

    public async Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName) =>
        (await ReadRows(grainId).ConfigureAwait(false)).Reminders.FirstOrDefault(reminder => reminder.ReminderName == reminderName);

    public async Task<string?> UpsertRow(ReminderEntry entry)
    {
        var startAt = new DateTimeOffset(DateTime.SpecifyKind(entry.StartAt, DateTimeKind.Utc));
        var reminder = new StoredReminder(entry.GrainId, entry.ReminderName, startAt, entry.Period, SqliteStore.CreateVersion());
        await store.Write(write =>
        {
            write.UpsertReminder(reminder);
            return true;
        }).ConfigureAwait(false);
        return GetETag(reminder);
    }

    public Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag)
    {
        var version = long.Parse(eTag, CultureInfo.InvariantCulture);
        return store.Write(write => write.DeleteReminder(grainId, reminderName, version));
    }

    public Task TestOnlyClearTable() => store.Write(write => write.DeleteReminders());

    private static ReminderTableData ToTable(IEnumerable<StoredReminder> reminders) => new(reminders.Select(reminder => new ReminderEntry
    {
        GrainId = reminder.Grain,
        ReminderName = reminder.Name,
        StartAt = reminder.StartAt.UtcDateTime,
        Period = reminder.Period,
        ETag = GetETag(reminder),
    }));

    private static string GetETag(StoredReminder reminder) => reminder.Version.ToString(CultureInfo.InvariantCulture);
}
