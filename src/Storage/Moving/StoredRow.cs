namespace CozeCluster.Storage;

/// <summary>
/// The kinds of rows that a storage contains, in the order in which they are copied: contents come behind their turns. Blobs come behind the rows of all
/// tables. The numbers are part of backup files: never change them.
/// </summary>
public enum RowKind
{
    /// <summary>A grain state.</summary>
    State = 1,

    /// <summary>A reminder.</summary>
    Reminder = 2,

    /// <summary>The head of a conversation.</summary>
    Conversation = 3,

    /// <summary>A turn.</summary>
    Turn = 4,

    /// <summary>Content of a turn.</summary>
    Content = 5,

    /// <summary>One thing of the fleet, or its version.</summary>
    Fleet = 6,

    /// <summary>An upload or an image. Read and written behind the rows of all tables.</summary>
    Blob = 7,

    /// <summary>An entry of the audit log.</summary>
    Audit = 8,
}

/// <summary>A row of a storage, in a form that does not depend on the database.</summary>
/// <param name="kind">What it is. <see cref="RowColumns"/> lists the columns of each kind.</param>
/// <param name="values">A value for each column: a string, a long or a byte array; null where the column allows it.</param>
public sealed class StoredRow(RowKind kind, object?[] values)
{
    /// <summary>What it is.</summary>
    public RowKind Kind => kind;

    /// <summary>A value for each column.</summary>
    public IReadOnlyList<object?> Values => values;

    internal object? this[string column] => values[RowColumns.IndexOf(kind, column)];

    internal StoredRow With(string column, object? value)
    {
        var changed = (object?[])values.Clone();
        changed[RowColumns.IndexOf(kind, column)] = value;
        return new(kind, changed);
    }

    internal StoredRow Select(Func<RowColumn, object?, object?> change) =>
        new(kind, [.. RowColumns.Of(kind).Zip(values, change)]);
}

/// <summary>What a column contains.</summary>
internal enum ColumnType
{
    /// <summary>A string.</summary>
    Text,

    /// <summary>A long.</summary>
    Number,

    /// <summary>A long: milliseconds since 1970 UTC. Finer times are cut.</summary>
    Time,

    /// <summary>A long: 0 or 1.</summary>
    Flag,

    /// <summary>A byte array.</summary>
    Bytes,
}

/// <summary>A column of a kind of rows.</summary>
internal sealed record RowColumn(string Name, ColumnType Type, bool IsNullable = false);

/// <summary>
/// The columns of each kind of rows. Their names are those of the SQLite tables. A change makes older backup files unreadable: increase
/// <see cref="BackupHeader.CurrentVersion"/>.
/// </summary>
internal static class RowColumns
{
    private static readonly RowColumn[][] ByKind =
    [
        [],
        Parse("state, key, version number, updated_at time, payload bytes"),
        Parse("grain, name, start_at time, period number, version number"),
        Parse(
            "key, tenant, name?, title?, created_at time, last_used_at time, turns number, expires_at time, is_deleted flag, version number"),
        Parse(
            """
            id number, conversation?, turn_id, version number, tenant, key_name?, user?, model, status number, created_at time, first_text_at time?,
            ended_at time?, upstream?, bot?, account?, attempts number, error?, input_tokens number?, output_tokens number?, is_history flag,
            handle bytes?, details bytes, epoch number?, charge_day number?, charge_state number?, charged_requests number?, charged_tokens number?,
            charged_credits number?
            """),
        Parse("turn number, kind number, payload bytes, expires_at time?"),
        Parse("kind number, id, version number, payload bytes?"),
        Parse("id, expires_at time, content bytes"),
        Parse("id, actor_tenant, key_name, role number?, address, action, kind, item, tenant?, outcome, fields, note?, request"),
    ];

    public static IReadOnlyList<RowKind> Kinds { get; } = Enum.GetValues<RowKind>();

    public static IReadOnlyList<RowColumn> Of(RowKind kind) => ByKind[(int)kind];

    public static int IndexOf(RowKind kind, string column)
    {
        var index = Array.FindIndex(ByKind[(int)kind], candidate => candidate.Name == column);
        return index >= 0 ? index : throw new ArgumentException($"Rows of the kind {kind} have no column {column}.", nameof(column));
    }

    // A name, a type unless it is text, and a question mark if the value may be null.
    private static RowColumn[] Parse(string columns) =>
    [
        .. columns.Split(',', StringSplitOptions.TrimEntries).Select(text =>
        {
            var words = text.TrimEnd('?').Split(' ');
            return new RowColumn(words[0], words.Length > 1 ? Enum.Parse<ColumnType>(words[1], ignoreCase: true) : ColumnType.Text, text.EndsWith('?'));
        }),
    ];
}
