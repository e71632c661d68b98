using System.Runtime.CompilerServices;
using Npgsql;
using NpgsqlTypes;

namespace CozeCluster.Storage;

/// <summary>Reads and writes the tables of a cluster as <see cref="StoredRow"/>s, over one connection.</summary>
internal static class PostgresTables
{
    /// <summary>A table, and its columns in the order of <see cref="RowColumns"/>.</summary>
    private sealed record Table(string Name, string Order, params Column[] Columns);

    /// <param name="Name">The name in the table.</param>
    /// <param name="Type">The type in the table.</param>
    private sealed record Column(string Name, NpgsqlDbType Type)
    {
        public Func<string, string> ToStored { get; init; } = static text => text;

        public Func<string, string> FromStored { get; init; } = static text => text;
    }

    private const long MaxNewVersion = 1_000_000_000;
    private const NpgsqlDbType Text = NpgsqlDbType.Text;
    private const NpgsqlDbType Bytes = NpgsqlDbType.Bytea;
    private const NpgsqlDbType Time = NpgsqlDbType.TimestampTz;
    private const NpgsqlDbType Long = NpgsqlDbType.Bigint;
    private const NpgsqlDbType Short = NpgsqlDbType.Smallint;
    private const NpgsqlDbType Flag = NpgsqlDbType.Boolean;
    private const NpgsqlDbType Int = NpgsqlDbType.Integer;

    // All of them have a column ServiceId too. Blobs do not: they belong to tenants.
    private static readonly SortedDictionary<RowKind, Table> Tables = new()
    {
        [RowKind.State] = new(
            "OrleansStorage",
            "GrainTypeString COLLATE \"C\", GrainIdExtensionString COLLATE \"C\"",
            new("GrainTypeString", Text),
            new("GrainIdExtensionString", Text) { ToStored = PostgresGrainStorage.ToStoredKey, FromStored = PostgresGrainStorage.FromStoredKey },
            new("Version", Int),
            new("ModifiedOn", Time),
            new("PayloadBinary", Bytes)),
        [RowKind.Reminder] = new(
            "OrleansRemindersTable",
            "GrainId COLLATE \"C\", ReminderName COLLATE \"C\"",
            new("GrainId", Text), new("ReminderName", Text), new("StartTime", Time), new("Period", Long), new("Version", Int)),
        [RowKind.Conversation] = new(
            "CozeConversations",
            "ConversationKey COLLATE \"C\"",
            new("ConversationKey", Text), new("TenantId", Text), new("Name", Text), new("Title", Text), new("CreatedOn", Time), new("LastUsedOn", Time),
            new("Turns", Int), new("ExpiresOn", Time), new("IsDeleted", Flag), new("Version", Long)),
        [RowKind.Turn] = new(
            "CozeTurns",
            "Id",
            new("Id", Long), new("ConversationKey", Text), new("TurnId", Text), new("Version", Long), new("TenantId", Text), new("KeyName", Text),
            new("UserName", Text), new("Model", Text), new("Status", Short), new("CreatedOn", Time), new("FirstTextOn", Time), new("EndedOn", Time),
            new("Upstream", Text), new("BotId", Text), new("AccountId", Text), new("Attempts", Int), new("Error", Text), new("InputTokens", Long),
            new("OutputTokens", Long), new("IsHistory", Flag), new("Handle", Bytes), new("Details", Bytes),
            new("Epoch", Long), new("ChargeDay", Int), new("ChargeState", Short), new("ChargedRequests", Long), new("ChargedTokens", Long),
            new("ChargedCredits", Long)),
        [RowKind.Content] = new(
            "CozeContents",
            "TurnRow, Kind",
            new("TurnRow", Long), new("Kind", Short), new("Payload", Bytes), new("ExpiresOn", Time)),
        [RowKind.Fleet] = new(
            "CozeFleet",
            "Kind, Id COLLATE \"C\"",
            new("Kind", Short), new("Id", Text), new("Version", Long), new("Payload", Bytes)),
        [RowKind.Audit] = new(
            "CozeAudit",
            "Id",
            new("Id", Text), new("ActorTenantId", Text), new("KeyName", Text), new("Role", Short), new("Address", Text), new("Action", Text), new("Kind", Text),
            new("ItemId", Text), new("TenantId", Text), new("Outcome", Text), new("Fields", Text), new("Note", Text), new("RequestId", Text)),
    };

    /// <summary>All columns, as <c>table.column</c>.</summary>
    public static IEnumerable<string> ColumnNames => Tables.Values.SelectMany(table => table.Columns.Select(column => $"{table.Name}.{column.Name}"));

    /// <summary>Whether a cluster has stored anything.</summary>
    public static async Task<bool> ExistAsync(NpgsqlConnection connection, string serviceId, CancellationToken cancellationToken)
    {
        var conditions = Tables.Values.Select(table => $"EXISTS (SELECT 1 FROM {table.Name} WHERE ServiceId = $1)");
        await using var command = CreateCommand(connection, $"SELECT {string.Join(" OR ", conditions)}", serviceId);
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is true;
    }

    /// <summary>Changes what the tables cannot contain.</summary>
    public static StoredRow Adapt(StoredRow row) => row.Select((column, value) => value switch
    {
        // The tables of Orleans have versions of 32 bits. No activation has a version of a storage that was only just written, so any will do.
        long and not (> 0 and <= int.MaxValue) when column.Name == "version" && row.Kind is RowKind.State or RowKind.Reminder =>
            1 + (long)value % MaxNewVersion,
        // PostgreSQL has no character 0.
        string text when text.Contains('\0') => text.Replace('\0', '\uFFFD'),
        _ => value,
    });

    /// <summary>Reads all rows of a cluster except blobs, ordered by kind and key.</summary>
    public static async IAsyncEnumerable<StoredRow> ReadAsync(
        NpgsqlConnection connection, string serviceId, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var (kind, table) in Tables)
        {
            await using var command = CreateCommand(
                connection, $"SELECT {Names(table)} FROM {table.Name} WHERE ServiceId = $1 ORDER BY {table.Order}", serviceId);
            await using var row = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            while (await row.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                var values = new object?[table.Columns.Length];
                for (var i = 0; i < values.Length; i++) values[i] = row.IsDBNull(i) ? null : ReadValue(row, i, table.Columns[i]);
                yield return new(kind, values);
            }
        }
    }

    /// <summary>Creates a command without a limit of time, because one statement may read a whole table.</summary>
    public static NpgsqlCommand CreateCommand(NpgsqlConnection connection, string sql, params ReadOnlySpan<object> values)
    {
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        foreach (var value in values) command.Parameters.Add(new() { Value = value });
        return command;
    }

    /// <summary>Writes rows of all kinds except blobs; all rows of a kind one after another. Until it is closed, the connection can do nothing else.</summary>
    public sealed class Writer(NpgsqlConnection connection, string serviceId) : IAsyncDisposable
    {
        private NpgsqlBinaryImporter? _import;
        private RowKind _kind;

        public async ValueTask WriteAsync(StoredRow row, CancellationToken cancellationToken)
        {
            var table = Tables[row.Kind];
            if (_import is null || _kind != row.Kind)
            {
                await CloseAsync(cancellationToken).ConfigureAwait(false);
                var derived = row.Kind == RowKind.Reminder ? ", GrainHash" : "";
                var copy = $"COPY {table.Name} (ServiceId, {Names(table)}{derived}) FROM STDIN (FORMAT BINARY)";
                _import = await connection.BeginBinaryImportAsync(copy, cancellationToken).ConfigureAwait(false);
                _import.Timeout = TimeSpan.Zero;
                _kind = row.Kind;
            }
            await _import.StartRowAsync(cancellationToken).ConfigureAwait(false);
            await _import.WriteAsync(serviceId, Text, cancellationToken).ConfigureAwait(false);
            for (var i = 0; i < table.Columns.Length; i++)
                await WriteValueAsync(_import, table.Columns[i], row.Values[i], cancellationToken).ConfigureAwait(false);
            if (row.Kind != RowKind.Reminder) return;
            await _import.WriteAsync((int)GrainId.Parse((string)row["grain"]!).GetUniformHashCode(), Int, cancellationToken).ConfigureAwait(false);
        }

        /// <summary>Ends the last table.</summary>
        public async Task CloseAsync(CancellationToken cancellationToken)
        {
            if (_import is null) return;
            await _import.CompleteAsync(cancellationToken).ConfigureAwait(false);
            await DisposeAsync().ConfigureAwait(false);
        }

        /// <summary>Cancels the table that was not ended.</summary>
        public async ValueTask DisposeAsync()
        {
            if (_import is null) return;
            await _import.DisposeAsync().ConfigureAwait(false);
            _import = null;
        }
    }

    private static string Names(Table table) => string.Join(", ", table.Columns.Select(column => column.Name));

    private static object ReadValue(NpgsqlDataReader row, int i, Column column) => column.Type switch
    {
        Text => column.FromStored(row.GetString(i)),
        Bytes => row.GetFieldValue<byte[]>(i),
        Time => new DateTimeOffset(row.GetDateTime(i)).ToUnixTimeMilliseconds(),
        Flag => row.GetBoolean(i) ? 1L : 0L,
        Short => (long)row.GetInt16(i),
        Int => (long)row.GetInt32(i),
        _ => row.GetInt64(i),
    };

    private static Task WriteValueAsync(NpgsqlBinaryImporter import, Column column, object? value, CancellationToken cancellationToken) => value switch
    {
        null => import.WriteNullAsync(cancellationToken),
        string text => import.WriteAsync(column.ToStored(text), Text, cancellationToken),
        byte[] bytes => import.WriteAsync(bytes, Bytes, cancellationToken),
        long number => column.Type switch
        {
            Time => import.WriteAsync(DateTimeOffset.FromUnixTimeMilliseconds(number).UtcDateTime, Time, cancellationToken),
            Flag => import.WriteAsync(number != 0, Flag, cancellationToken),
            Short => import.WriteAsync(checked((short)number), Short, cancellationToken),
            Int => import.WriteAsync(checked((int)number), Int, cancellationToken),
            _ => import.WriteAsync(number, Long, cancellationToken),
        },
        _ => throw new InvalidDataException($"The column {column.Name} cannot contain {value}."),
    };
}
