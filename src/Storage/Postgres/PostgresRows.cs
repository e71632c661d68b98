using Npgsql;
using NpgsqlTypes;

namespace CozeCluster.Storage;

/// <summary>Rows of turns, contents and conversations: their columns, and how they become objects and parameters.</summary>
internal static class PostgresRows
{
    /// <summary>The columns of a turn, in the order of <see cref="ReadTurn"/>.</summary>
    public const string TurnColumns = $"Id, {ChangingColumns}, {FixedColumns}";

    /// <summary>The columns of a content, in the order of <see cref="ReadContent"/>.</summary>
    public const string ContentColumns = "Kind, Payload, ExpiresOn";

    /// <summary>The columns of a conversation, in the order of <see cref="ReadHead"/> and <see cref="WithHead"/>.</summary>
    public const string HeadColumns = "TenantId, Name, Title, CreatedOn, LastUsedOn, ExpiresOn, Turns, IsDeleted, Version";

    /// <summary>The error of the function CozeRequireOne in <c>schema.sql</c>.</summary>
    private const string OtherVersion = "CZ001";

    /// <summary>The error of the function CozeRequireOpen in <c>schema.sql</c>.</summary>
    private const string ClosedEpoch = "CZ002";

    /// <summary>Inserts a conversation: the parameters are service id, key, those of <see cref="WithHead"/>.</summary>
    public const string InsertHead =
        $"INSERT INTO CozeConversations (ServiceId, ConversationKey, {HeadColumns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

    /// <summary>Replaces a conversation: the parameters are those of <see cref="InsertHead"/>, and the version that is replaced.</summary>
    public const string UpdateHead = $"""
        WITH changed AS (
            UPDATE CozeConversations SET ({HeadColumns}) = ($3, $4, $5, $6, $7, $8, $9, $10, $11)
            WHERE ServiceId = $1 AND ConversationKey = $2 AND Version = $12
            RETURNING 1)
        SELECT CozeRequireOne(count(*)) FROM changed
        """;

    /// <summary>Inserts a turn: the parameters are service id, conversation key, those of <see cref="WithChanging"/> and <see cref="WithFixed"/>.</summary>
    public const string InsertTurn = $"""
        INSERT INTO CozeTurns (ServiceId, ConversationKey, {TurnColumns})
        VALUES ({TurnValues})
        """;

    /// <summary>Inserts a turn that has ended; the parameters are those of <see cref="InsertTurn"/>.</summary>
    public const string InsertEndedTurn = $"""
        WITH inserted AS (INSERT INTO CozeTurns (ServiceId, ConversationKey, {TurnColumns}) VALUES ({TurnValues}) RETURNING Id)
        INSERT INTO CozeUncountedTurns (ServiceId, TurnRow) SELECT $1, Id FROM inserted
        """;

    /// <summary>Inserts a turn with a charge; the parameters are those of <see cref="InsertTurn"/>.</summary>
    public const string InsertChargedTurn = $"""
        WITH epoch AS MATERIALIZED (SELECT 1 FROM CozeLedgerEpochs WHERE ServiceId = $1 AND Epoch = $28 FOR SHARE),
        inserted AS (INSERT INTO CozeTurns (ServiceId, ConversationKey, {TurnColumns}) SELECT {TurnValues} FROM epoch RETURNING Id, EndedOn),
        counted AS (INSERT INTO CozeUncountedTurns (ServiceId, TurnRow) SELECT $1, Id FROM inserted WHERE EndedOn IS NOT NULL)
        SELECT CozeRequireOpen(count(*)) FROM inserted
        """;

    /// <summary>
    /// Replaces the version of a turn that is one lower: the parameters are service id, conversation key, those of <see cref="WithChanging"/>.
    /// </summary>
    public const string UpdateTurn = $"""
        WITH changed AS ({Update})
        SELECT CozeRequireOne(count(*)) FROM changed
        """;

    /// <summary>
    /// As <see cref="UpdateTurn"/>, for a turn that has ended. The second part sees the turn as it was before: another save of an end does not count it again.
    /// </summary>
    public const string EndTurn = $"""
        WITH changed AS ({Update}),
        counted AS (
            INSERT INTO CozeUncountedTurns (ServiceId, TurnRow)
            SELECT $1, Id FROM CozeTurns WHERE ServiceId = $1 AND Id = $3 AND Version = $4 - 1 AND EndedOn IS NULL)
        SELECT CozeRequireOne(count(*)) FROM changed
        """;

    private const string Update = $"""
        UPDATE CozeTurns SET ({ChangingColumns}) = ($4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
        WHERE ServiceId = $1 AND ConversationKey = $2 AND Id = $3 AND Version = $4 - 1
        RETURNING 1
        """;

    private const string ChangingColumns =
        "Version, Status, FirstTextOn, EndedOn, Upstream, BotId, AccountId, Attempts, Error, InputTokens, OutputTokens, IsHistory, Handle, Details, " +
        "ChargeState, ChargedRequests, ChargedTokens, ChargedCredits";

    private const string FixedColumns = "TurnId, TenantId, KeyName, UserName, Model, CreatedOn, Epoch, ChargeDay";

    private const string TurnValues =
        "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29";

    private const int TurnColumnCount = 27;

    /// <summary>Whether a write has found another version of a row than it expects.</summary>
    public static bool IsConflict(NpgsqlException error) => error is PostgresException { SqlState: OtherVersion or PostgresErrorCodes.UniqueViolation };

    /// <summary>Whether a turn was not inserted because the epoch of its charge is closed.</summary>
    public static bool IsEpochClosed(NpgsqlException error) => error is PostgresException { SqlState: ClosedEpoch };

    public static NpgsqlParameterCollection WithChanging(this NpgsqlParameterCollection parameters, TurnRow row) => parameters
        .With(row.Id).With(row.Version).With(NpgsqlDbType.Smallint, (short)row.Status).With(row.FirstTextAt).With(row.EndedAt)
        .With(row.Upstream).With(row.BotId).With(row.AccountId).With(NpgsqlDbType.Integer, row.Attempts).With(row.Error?.ToString())
        .With(row.InputTokens).With(row.OutputTokens).With(NpgsqlDbType.Boolean, row.IsHistory)
        .With(NpgsqlDbType.Bytea, row.Handle?.Clone()).With(NpgsqlDbType.Bytea, row.Details.Clone())
        .With(NpgsqlDbType.Smallint, (short?)row.Charge?.State).With(row.Charge?.Amounts.Requests).With(row.Charge?.Amounts.Tokens)
        .With(row.Charge?.Amounts.Credits);

    public static NpgsqlParameterCollection WithFixed(this NpgsqlParameterCollection parameters, TurnRow row) => parameters
        .With(row.TurnId).With(row.TenantId).With(row.KeyName).With(row.User).With(row.Model).With(row.CreatedAt)
        .With(row.Charge?.Epoch).With(NpgsqlDbType.Integer, row.Charge?.Day);

    public static TurnRow ReadTurn(NpgsqlDataReader row) => new()
    {
        Id = row.GetInt64(0),
        Version = row.GetInt64(1),
        Status = (TurnStatus)row.GetInt16(2),
        FirstTextAt = row.GetValueOrNull<DateTimeOffset>(3),
        EndedAt = row.GetValueOrNull<DateTimeOffset>(4),
        Upstream = row.Get<string>(5),
        BotId = row.Get<string>(6),
        AccountId = row.Get<string>(7),
        Attempts = row.GetInt32(8),
        // A newer build may have written an error that this one does not know.
        Error = row.Get<string>(9) is { } name ? Enum.TryParse<ErrorCode>(name, out var error) ? error : ErrorCode.Internal : null,
        InputTokens = row.GetValueOrNull<long>(10),
        OutputTokens = row.GetValueOrNull<long>(11),
        IsHistory = row.GetBoolean(12),
        Handle = row.Get<byte[]>(13),
        Details = row.GetFieldValue<byte[]>(14),
        TurnId = row.GetString(19),
        TenantId = row.GetString(20),
        KeyName = row.Get<string>(21),
        User = row.Get<string>(22),
        Model = row.GetString(23),
        CreatedAt = row.GetFieldValue<DateTimeOffset>(24),
        Charge = row.IsDBNull(25) ? null : new TurnCharge(
            row.GetInt64(25), row.GetInt32(26), new Amounts(row.GetInt64(16), row.GetInt64(17), row.GetInt64(18)), (ChargeState)row.GetInt16(15)),
    };

    /// <summary>The content in the columns after those of a turn; null if they are null.</summary>
    public static TurnContent? ReadContent(NpgsqlDataReader row) => row.IsDBNull(TurnColumnCount) ? null : new(
        (TurnContentKind)row.GetInt16(TurnColumnCount),
        row.GetFieldValue<byte[]>(TurnColumnCount + 1),
        row.GetValueOrNull<DateTimeOffset>(TurnColumnCount + 2));

    public static NpgsqlParameterCollection WithHead(this NpgsqlParameterCollection parameters, ConversationHead head, long version) => parameters
        .With(head.TenantId).With(head.Name).With(head.Title).With(head.CreatedAt).With(head.LastUsedAt).With(head.ExpiresAt)
        .With(NpgsqlDbType.Integer, head.Turns).With(NpgsqlDbType.Boolean, head.IsDeleted).With(version);

    public static (ConversationHead Head, long Version) ReadHead(NpgsqlDataReader row) => (
        new(
            row.GetString(0), row.Get<string>(1), row.GetFieldValue<DateTimeOffset>(3), row.GetFieldValue<DateTimeOffset>(4), row.GetInt32(6),
            row.GetFieldValue<DateTimeOffset>(5))
        {
            Title = row.Get<string>(2),
            IsDeleted = row.GetBoolean(7),
        },
        row.GetInt64(8));

    /// <summary>Adds a text. PostgreSQL cannot store the character U+0000, which a client may send.</summary>
    public static NpgsqlParameterCollection With(this NpgsqlParameterCollection parameters, string? value) =>
        parameters.With(NpgsqlDbType.Text, value?.Replace('\0', '\uFFFD'));

    public static NpgsqlParameterCollection With(this NpgsqlParameterCollection parameters, long? value) => parameters.With(NpgsqlDbType.Bigint, value);

    public static NpgsqlParameterCollection With(this NpgsqlParameterCollection parameters, DateTimeOffset? value) =>
        parameters.With(NpgsqlDbType.TimestampTz, value?.UtcDateTime);

    public static NpgsqlParameterCollection With(this NpgsqlParameterCollection parameters, NpgsqlDbType type, object? value)
    {
        parameters.Add(new NpgsqlParameter { NpgsqlDbType = type, Value = value ?? DBNull.Value });
        return parameters;
    }

    /// <summary>Adds a statement to a batch. The service id is its first parameter.</summary>
    public static NpgsqlParameterCollection AddStatement(this NpgsqlBatch batch, string sql, string serviceId)
    {
        var command = new NpgsqlBatchCommand(sql);
        batch.BatchCommands.Add(command);
        return command.Parameters.With(serviceId);
    }

    private static T? Get<T>(this NpgsqlDataReader row, int column) where T : class => row.IsDBNull(column) ? null : row.GetFieldValue<T>(column);

    private static T? GetValueOrNull<T>(this NpgsqlDataReader row, int column) where T : struct =>
        row.IsDBNull(column) ? null : row.GetFieldValue<T>(column);
}
