using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>Reads heads, turns and contents from the columns of queries.</summary>
internal static class SqliteTurnRows
{
    /// <summary>The columns of a head.</summary>
    public const string HeadColumns = "version, tenant, name, created_at, last_used_at, turns, expires_at, title, is_deleted";

    /// <summary>The columns of a turn.</summary>
    public const string TurnColumns =
        "id, version, turn_id, tenant, key_name, user, model, status, created_at, first_text_at, ended_at, upstream, bot, account, attempts, error, " +
        "input_tokens, output_tokens, is_history, handle, details, epoch, charge_day, charge_state, charged_requests, charged_tokens, charged_credits";

    private const int TurnColumnCount = 27;

    /// <summary>Reads a head from <see cref="HeadColumns"/>.</summary>
    public static ConversationHead ReadHead(SqliteDataReader row) =>
        new(row.GetString(1), GetString(row, 2), GetTime(row, 3), GetTime(row, 4), row.GetInt32(5), GetTime(row, 6))
        {
            Title = GetString(row, 7),
            IsDeleted = row.GetInt64(8) != 0,
        };

    /// <summary>Reads a turn from <see cref="TurnColumns"/>.</summary>
    public static TurnRow ReadTurn(SqliteDataReader row) => new()
    {
        Id = row.GetInt64(0),
        Version = row.GetInt64(1),
        TurnId = row.GetString(2),
        TenantId = row.GetString(3),
        KeyName = GetString(row, 4),
        User = GetString(row, 5),
        Model = row.GetString(6),
        Status = (TurnStatus)row.GetInt32(7),
        CreatedAt = GetTime(row, 8),
        FirstTextAt = GetOptionalTime(row, 9),
        EndedAt = GetOptionalTime(row, 10),
        Upstream = GetString(row, 11),
        BotId = GetString(row, 12),
        AccountId = GetString(row, 13),
        Attempts = row.GetInt32(14),
        Error = GetString(row, 15) is { } name ? Enum.TryParse<ErrorCode>(name, out var code) ? code : ErrorCode.Internal : null,
        InputTokens = row.IsDBNull(16) ? null : row.GetInt64(16),
        OutputTokens = row.IsDBNull(17) ? null : row.GetInt64(17),
        IsHistory = row.GetInt64(18) != 0,
        Handle = row.IsDBNull(19) ? null : row.GetFieldValue<byte[]>(19),
        Details = row.GetFieldValue<byte[]>(20),
        Charge = row.IsDBNull(21) ? null : new TurnCharge(
            row.GetInt64(21), row.GetInt32(22), new Amounts(row.GetInt64(24), row.GetInt64(25), row.GetInt64(26)), (ChargeState)row.GetInt32(23)),
    };

    /// <summary>
    /// Reads turns from <see cref="TurnColumns"/> and the kind, payload and expiration of a content, with one row for each content or one without. The rows of
    /// a turn must follow each other.
    /// </summary>
    public static List<StoredTurn> ReadTurnsWithContents(SqliteDataReader row)
    {
        var turns = new List<StoredTurn>();
        var contents = new List<TurnContent>();
        while (row.Read())
        {
            if (turns.Count == 0 || turns[^1].Row.Id != row.GetInt64(0)) turns.Add(new(ReadTurn(row), contents = []));
            if (row.IsDBNull(TurnColumnCount)) continue;
            contents.Add(new(
                (TurnContentKind)row.GetInt32(TurnColumnCount),
                row.GetFieldValue<byte[]>(TurnColumnCount + 1),
                GetOptionalTime(row, TurnColumnCount + 2)));
        }
        return turns;
    }

    /// <summary>A time as it is stored: milliseconds since 1970 UTC.</summary>
    public static object? ToStored(DateTimeOffset? time) => time?.ToUnixTimeMilliseconds();

    private static string? GetString(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static DateTimeOffset GetTime(SqliteDataReader row, int column) => DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));

    private static DateTimeOffset? GetOptionalTime(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : GetTime(row, column);
}
