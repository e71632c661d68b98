using System.Buffers;
using System.Globalization;
using System.Text;

namespace CozeCluster.Gateway.Surfaces.UsageReports;

/// <summary>
/// Writes rows of a usage report as comma separated values (RFC 4180). Clients choose names of end users, and spreadsheets take cells that begin with certain
/// characters for formulas. Such a cell gets an apostrophe before it, which spreadsheets do not show.
/// </summary>
internal static class UsageCsv
{
    private static readonly SearchValues<char> Quoted = SearchValues.Create("\",\r\n");
    private static readonly SearchValues<char> FormulaStarts = SearchValues.Create("=+-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20");

    private static readonly (string Name, Func<UsageQuery, bool> IsGrouped, Func<UsageRow, string?> Value)[] Groups =
    [
        ("time", query => query.Period != UsagePeriod.All, row => row.Time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)),
        ("tenant", query => query.GroupBy.HasFlag(UsageDimensions.Tenant), row => row.TenantId),
        ("key", query => query.GroupBy.HasFlag(UsageDimensions.Key), row => row.KeyName),
        ("user", query => query.GroupBy.HasFlag(UsageDimensions.User), row => row.User),
        ("model", query => query.GroupBy.HasFlag(UsageDimensions.Model), row => row.Model),
        ("bot", query => query.GroupBy.HasFlag(UsageDimensions.Bot), row => row.BotId),
        ("account", query => query.GroupBy.HasFlag(UsageDimensions.Account), row => row.AccountId),
    ];

    private static readonly (string Name, Func<UsageSums, IFormattable> Value)[] Sums =
    [
        ("requests", sums => sums.Requests), ("completed", sums => sums.Completed), ("failed", sums => sums.Failed), ("cancelled", sums => sums.Cancelled),
        ("unknown", sums => sums.Unknown), ("attempts", sums => sums.Attempts), ("input_tokens", sums => sums.InputTokens),
        ("output_tokens", sums => sums.OutputTokens), ("credits", sums => UsageEntry.CreditsOf(sums)),
    ];

    /// <summary>The first line.</summary>
    public static string Header(UsageQuery query) =>
        string.Join(',', [.. Groups.Where(group => group.IsGrouped(query)).Select(group => group.Name), .. Sums.Select(sum => sum.Name)]) + "\r\n";

    /// <summary>The lines of rows.</summary>
    public static string Lines(UsageQuery query, IEnumerable<UsageRow> rows)
    {
        var groups = Groups.Where(group => group.IsGrouped(query)).ToList();
        var text = new StringBuilder();
        foreach (var row in rows)
        {
            foreach (var group in groups) text.Append(Cell(group.Value(row) ?? "")).Append(',');
            text.AppendJoin(',', Sums.Select(sum => sum.Value(row.Sums).ToString(null, CultureInfo.InvariantCulture))).Append("\r\n");
        }
        return text.ToString();
    }

    private static string Cell(string text)
    {
        if (text.Length > 0 && FormulaStarts.Contains(text[0])) text = "'" + text;
        return text.AsSpan().ContainsAny(Quoted) ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
    }
}
