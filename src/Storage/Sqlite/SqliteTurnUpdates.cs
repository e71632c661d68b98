using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>The statements that write the row of a turn. Used by the writing thread only, inside its transaction.</summary>
/// <remarks>
/// An index is written for every update that names one of its columns, also if the value stays the same. So a turn that continues is written by a statement
/// without its end, and a turn that ends by one without its bot and account. Each verifies that the columns it leaves out do not change. If one does, or if the
/// stored version is another one, the statement that writes every column decides.
/// </remarks>
internal sealed class SqliteTurnUpdates(SqliteConnection connection) : IDisposable
{
    private const string Columns =
        "version = $1, status = $2, first_text_at = $3, upstream = $5, attempts = $8, error = $9, input_tokens = $10, output_tokens = $11, " +
        "handle = $13, details = $14, charge_state = $15, charged_requests = $16, charged_tokens = $17, charged_credits = $18";

    private const string IsExpected = "id = $0 AND version = $1 - 1";

    private const string InsertedColumns =
        "id, version, status, first_text_at, ended_at, upstream, bot, account, attempts, error, input_tokens, output_tokens, is_history, handle, details, " +
        "conversation, turn_id, tenant, key_name, user, model, created_at";

    private readonly SqliteStatement _insert = new(
        connection,
        $"""
        INSERT INTO turns ({InsertedColumns})
        VALUES ($0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21) ON CONFLICT DO NOTHING
        """,
        [.. TurnParameters, .. FixedParameters]);

    private readonly SqliteStatement _insertCharged = new(
        connection,
        $"""
        INSERT INTO turns ({InsertedColumns}, epoch, charge_day, charge_state, charged_requests, charged_tokens, charged_credits)
        SELECT $0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27
        WHERE EXISTS (SELECT 1 FROM ledger_epochs WHERE epoch = $22) ON CONFLICT DO NOTHING
        """,
        [.. TurnParameters, .. FixedParameters, SqliteType.Integer, SqliteType.Integer, .. ChargeParameters]);

    private readonly SqliteStatement _continue = new(
        connection,
        $"UPDATE turns SET {Columns}, bot = $6, account = $7 WHERE {IsExpected} AND ended_at IS $4 AND is_history = $12",
        UpdateParameters);

    private readonly SqliteStatement _end = new(
        connection,
        $"UPDATE turns SET {Columns}, ended_at = $4 WHERE {IsExpected} AND bot IS $6 AND account IS $7 AND is_history = $12",
        UpdateParameters);

    private readonly SqliteStatement _update = new(
        connection,
        $"UPDATE turns SET {Columns}, ended_at = $4, bot = $6, account = $7, is_history = $12 WHERE {IsExpected}",
        UpdateParameters);

    // A turn that ends becomes part of the usage later. Another save of a turn that has ended does not count it again.
    private readonly SqliteStatement _countNew = new(connection, "INSERT INTO uncounted_turns (turn) VALUES ($0)", SqliteType.Integer);

    private readonly SqliteStatement _countEnd = new(
        connection,
        $"INSERT INTO uncounted_turns (turn) SELECT id FROM turns WHERE {IsExpected} AND ended_at IS NULL",
        SqliteType.Integer, SqliteType.Integer);

    private readonly SqliteStatement _version = new(connection, "SELECT version FROM turns WHERE id = $0", SqliteType.Integer);

    private readonly SqliteStatement _exists = new(
        connection,
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM turns WHERE id = $0) OR EXISTS (SELECT 1 FROM turns WHERE turn_id = $1 AND conversation = $2)",
        SqliteType.Integer, SqliteType.Text, SqliteType.Text);

    private readonly SqliteStatement _isOpen = new(connection, "SELECT 1 FROM ledger_epochs WHERE epoch = $0", SqliteType.Integer);

    private static ReadOnlySpan<SqliteType> UpdateParameters => (SqliteType[])[.. TurnParameters, .. ChargeParameters];

    private static ReadOnlySpan<SqliteType> FixedParameters =>
        [SqliteType.Text, SqliteType.Text, SqliteType.Text, SqliteType.Text, SqliteType.Text, SqliteType.Text, SqliteType.Integer];

    private static ReadOnlySpan<SqliteType> ChargeParameters => [SqliteType.Integer, SqliteType.Integer, SqliteType.Integer, SqliteType.Integer];

    private static ReadOnlySpan<SqliteType> TurnParameters =>
    [
        SqliteType.Integer, SqliteType.Integer, SqliteType.Integer, SqliteType.Integer, SqliteType.Integer, SqliteType.Text, SqliteType.Text, SqliteType.Text,
        SqliteType.Integer, SqliteType.Text, SqliteType.Integer, SqliteType.Integer, SqliteType.Integer, SqliteType.Blob, SqliteType.Blob,
    ];

    /// <summary>Whether <see cref="Save"/> would write the row now, if its epoch is open.</summary>
    public bool HasExpectedVersion(string conversation, TurnRow row) => row.Version == 1
        ? _exists.Scalar(row.Id, row.TurnId, conversation) is null
        : _version.Scalar(row.Id) == row.Version - 1;

    /// <summary>Whether the epoch of a new row's charge is closed, so that <see cref="Save"/> does not write it.</summary>
    public bool IsEpochClosed(TurnRow row) => row is { Version: 1, Charge: { } charge } && _isOpen.Scalar(charge.Epoch) is null;

    /// <summary>Stores a new row (version 1), or replaces the version before.</summary>
    /// <returns>False if another version is stored, or the epoch of a new row's charge is closed. Nothing is written then.</returns>
    public bool Save(string conversation, TurnRow row)
    {
        if (row.Version == 1)
        {
            var isInserted = row.Charge is { } charge ? InsertCharged(conversation, row, charge) : Insert(conversation, row);
            if (isInserted && row.EndedAt is not null) _countNew.Run(row.Id);
            return isInserted;
        }
        if (row.EndedAt is not null) _countEnd.Run(row.Id, row.Version);
        return Update(row.EndedAt is null ? _continue : _end, row) || Update(_update, row);
    }

    public void Dispose()
    {
        SqliteStatement[] all = [_insert, _insertCharged, _continue, _end, _update, _countNew, _countEnd, _version, _exists, _isOpen];
        foreach (var statement in all) statement.Dispose();
    }

    private bool Insert(string conversation, TurnRow row) => _insert.Run(
        row.Id, row.Version, (int)row.Status, SqliteTurnRows.ToStored(row.FirstTextAt), SqliteTurnRows.ToStored(row.EndedAt), row.Upstream, row.BotId,
        row.AccountId, row.Attempts, row.Error?.ToString(), row.InputTokens, row.OutputTokens, row.IsHistory, row.Handle, row.Details,
        conversation, row.TurnId, row.TenantId, row.KeyName, row.User, row.Model, SqliteTurnRows.ToStored(row.CreatedAt)) == 1;

    private bool InsertCharged(string conversation, TurnRow row, TurnCharge charge) => _insertCharged.Run(
        row.Id, row.Version, (int)row.Status, SqliteTurnRows.ToStored(row.FirstTextAt), SqliteTurnRows.ToStored(row.EndedAt), row.Upstream, row.BotId,
        row.AccountId, row.Attempts, row.Error?.ToString(), row.InputTokens, row.OutputTokens, row.IsHistory, row.Handle, row.Details,
        conversation, row.TurnId, row.TenantId, row.KeyName, row.User, row.Model, SqliteTurnRows.ToStored(row.CreatedAt),
        charge.Epoch, charge.Day, (int)charge.State, charge.Amounts.Requests, charge.Amounts.Tokens, charge.Amounts.Credits) == 1;

    private static bool Update(SqliteStatement statement, TurnRow row) => statement.Run(
        row.Id, row.Version, (int)row.Status, SqliteTurnRows.ToStored(row.FirstTextAt), SqliteTurnRows.ToStored(row.EndedAt), row.Upstream, row.BotId,
        row.AccountId, row.Attempts, row.Error?.ToString(), row.InputTokens, row.OutputTokens, row.IsHistory, row.Handle, row.Details,
        (int?)row.Charge?.State, row.Charge?.Amounts.Requests, row.Charge?.Amounts.Tokens, row.Charge?.Amounts.Credits) == 1;
}
