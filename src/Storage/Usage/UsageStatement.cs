using System.Data.Common;
using System.Globalization;
using System.Text;

namespace CozeCluster.Storage;

/// <summary>How the statements of a database differ.</summary>
/// <param name="Keys">The columns of the hour, tenant, key, user, model, bot and account.</param>
/// <param name="Sums">The columns of <see cref="UsageSums"/>.</param>
/// <param name="Counted">The rows of usage, as a table.</param>
/// <param name="CountedOfTenant">The same, for a query of one tenant.</param>
/// <param name="Uncounted">A query of the turns that have ended and are not counted yet, with the same columns.</param>
/// <param name="Before">Common table expressions. The first hour of the query and the one after its last are the first two parameters.</param>
/// <param name="FirstParameter">The number of the first parameter.</param>
internal sealed record UsageDialect(
    string[] Keys, string[] Sums, string Counted, string CountedOfTenant, string Uncounted, string Before, int FirstParameter);

/// <summary>Builds the statement of a query, and reads its rows.</summary>
internal sealed class UsageStatement
{
    /// <summary>Longer names of users and models are cut.</summary>
    public const int MaxLength = 100;

    private const int HoursPerDay = 24;

    private static readonly (UsageDimensions Dimension, Func<UsageQuery, string?> Filter, Func<UsageRow, string?> Value)[] Dimensions =
    [
        (UsageDimensions.Tenant, query => query.TenantId, row => row.TenantId),
        (UsageDimensions.Key, query => query.KeyName, row => row.KeyName),
        (UsageDimensions.User, query => Cut(query.User), row => row.User),
        (UsageDimensions.Model, query => Cut(query.Model), row => row.Model),
        (UsageDimensions.Bot, query => query.BotId, row => row.BotId),
        (UsageDimensions.Account, query => query.AccountId, row => row.AccountId),
    ];

    private readonly UsageQuery _query;
    private readonly UsageDialect _dialect;
    private readonly List<object> _values = [];

    public UsageStatement(UsageQuery query, UsageDialect dialect)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.Limit, UsageQuery.MaxLimit);
        (_query, _dialect) = (query, dialect);
        Sql = Build();
    }

    /// <summary>The text.</summary>
    public string Sql { get; }

    /// <summary>The parameters: each is a text or a long.</summary>
    public IReadOnlyList<object> Values => _values;

    /// <summary>The hour of a time.</summary>
    public static long HourOf(DateTimeOffset time) => (long)Math.Floor((time - DateTimeOffset.UnixEpoch).TotalHours);

    /// <summary>Reads a row of the result.</summary>
    public UsageRow Read(DbDataReader row)
    {
        var column = 0;
        DateTimeOffset? time = _query.Period switch
        {
            UsagePeriod.Hour => DateTimeOffset.UnixEpoch.AddHours(row.GetInt64(column++)),
            UsagePeriod.Day => DateTimeOffset.UnixEpoch.AddDays(row.GetInt64(column++)),
            _ => null,
        };
        var keys = new string?[Dimensions.Length];
        for (var i = 0; i < keys.Length; i++)
        {
            if (_query.GroupBy.HasFlag(Dimensions[i].Dimension)) keys[i] = row.GetString(column++);
        }
        return new UsageRow
        {
            Time = time,
            TenantId = keys[0],
            KeyName = keys[1],
            User = keys[2],
            Model = keys[3],
            BotId = keys[4],
            AccountId = keys[5],
            Sums = ReadSums(row, column),
        };
    }

    /// <summary>Reads sums from consecutive columns.</summary>
    public static UsageSums ReadSums(DbDataReader row, int first) => new(
        row.GetInt64(first), row.GetInt64(first + 1), row.GetInt64(first + 2), row.GetInt64(first + 3), row.GetInt64(first + 4), row.GetInt64(first + 5),
        row.GetInt64(first + 6), row.GetInt64(first + 7));

    private string Build()
    {
        var (from, until) = (HourOf(_query.From), HourOf(_query.Until.AddTicks(-1)) + 1);
        var hour = _dialect.Keys[0];
        var where = new StringBuilder($"{hour} >= {Add(from)} AND {hour} < {Add(until)}");
        var groups = new List<(string Column, object? After)>();
        if (_query.Period != UsagePeriod.All) groups.Add(TimeGroup(hour));
        for (var i = 0; i < Dimensions.Length; i++)
        {
            var (dimension, filter, value) = Dimensions[i];
            if (filter(_query) is { } text) where.Append($" AND {_dialect.Keys[i + 1]} = {Add(text)}");
            if (_query.GroupBy.HasFlag(dimension)) groups.Add((_dialect.Keys[i + 1], _query.After is { } after ? value(after) ?? "" : null));
        }
        var columns = string.Join(", ", [.. _dialect.Keys, .. _dialect.Sums]);
        var sums = _dialect.Sums.Select(sum => $"CAST(coalesce(sum({sum}), 0) AS bigint)");
        var numbers = string.Join(", ", Enumerable.Range(1, groups.Count));
        var next = _query.After is null || groups.Count == 0 ? ""
            : $"WHERE ({string.Join(", ", groups.Select(group => group.Column))}) > ({string.Join(", ", groups.Select(group => Add(group.After!)))})";
        // A query without groups has one page with one row.
        var limit = groups.Count == 0 && _query.After is not null ? 0L : _query.Limit;
        return $"""
            {_dialect.Before}SELECT {string.Join(", ", [.. groups.Select(group => group.Column), .. sums])}
            FROM (
                SELECT {columns} FROM {(_query.TenantId is null ? _dialect.Counted : _dialect.CountedOfTenant)} WHERE {where}
                UNION ALL SELECT {columns} FROM ({_dialect.Uncounted}) AS uncounted WHERE {where}) AS used
            {next} {(groups.Count == 0 ? "" : $"GROUP BY {numbers} ORDER BY {numbers}")} LIMIT {Add(limit)}
            """;
    }

    private (string Column, object? After) TimeGroup(string hour)
    {
        var after = _query.After is { } row ? HourOf(row.Time ?? DateTimeOffset.UnixEpoch) : 0;
        return _query.Period == UsagePeriod.Hour ? (hour, after) : ($"{hour} / {HoursPerDay}", after / HoursPerDay);
    }

    private string Add(object value)
    {
        _values.Add(value);
        return "$" + (_values.Count - 1 + _dialect.FirstParameter).ToString(CultureInfo.InvariantCulture);
    }

    // Databases count a surrogate pair as one character.
    private static string? Cut(string? text)
    {
        if (text is null || text.Length <= MaxLength) return text;
        var end = 0;
        for (var count = 0; count < MaxLength && end < text.Length; count++) end += char.IsSurrogatePair(text, end) ? 2 : 1;
        return text[..end];
    }
}
