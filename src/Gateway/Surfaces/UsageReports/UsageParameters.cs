using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.OpenApi;
using Microsoft.AspNetCore.Http;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Surfaces.UsageReports;

/// <summary>Reads the parameters of a usage report. Each error names the parameter.</summary>
internal static class UsageParameters
{
    private const int MaxLimit = 1_000;
    private const int DefaultLimit = 100;
    private const int MaxLength = 1_024;
    private static readonly TimeSpan DefaultRange = TimeSpan.FromDays(30);

    private static readonly (string Name, UsageDimensions Dimension)[] Dimensions =
    [
        ("tenant", UsageDimensions.Tenant), ("key", UsageDimensions.Key), ("user", UsageDimensions.User), ("model", UsageDimensions.Model),
        ("bot", UsageDimensions.Bot), ("account", UsageDimensions.Account),
    ];

    private static readonly string[] Common = ["from", "until", "group_by", "limit", "after", "format"];

    /// <summary>The descriptions of the parameters, except those of pages.</summary>
    /// <param name="allowed">What may be grouped and filtered by.</param>
    public static IEnumerable<(string Name, string Description)> Describe(UsageDimensions allowed)
    {
        yield return ("from", "The first hour: a date or time of ISO 8601. Default: 30 days before until.");
        yield return ("until", "The hour after the last one. Default: now.");
        yield return ("group_by", $"What each row is for, separated by commas: hour or day, {string.Join(", ", NamesOf(allowed))}. Default: one row.");
        foreach (var name in NamesOf(allowed)) yield return (name, $"Only this {name}; empty: only turns without one.");
        yield return ("format", "csv: all rows as comma separated values, as with the header accept: text/csv.");
    }

    /// <summary>The parameters as the OpenAPI document describes them.</summary>
    public static IList<IOpenApiParameter> Document(UsageDimensions allowed) =>
    [
        .. Describe(allowed).Select(parameter => Schemas.Query(parameter.Name, Schemas.String(parameter.Description))),
        Schemas.Query("limit", Schemas.Integer($"The largest number of rows, 1 to {MaxLimit}. Default {DefaultLimit}.")),
        Schemas.Query("after", Schemas.String("The value of next in the page before.")),
    ];

    /// <summary>Reads a query.</summary>
    /// <param name="request">The request.</param>
    /// <param name="allowed">What may be grouped and filtered by.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>.</exception>
    public static UsageQuery Read(HttpRequest request, UsageDimensions allowed, DateTimeOffset now)
    {
        foreach (var (name, values) in request.Query)
        {
            if (!Common.Contains(name) && !NamesOf(allowed).Contains(name)) throw Invalid(name, "there is no such parameter");
            if (values.Count > 1) throw Invalid(name, "it is given more than once");
            if (values.ToString().Length > MaxLength) throw Invalid(name, $"it is longer than {MaxLength} characters");
        }
        var until = ReadTime(request, "until") ?? now;
        var from = ReadTime(request, "from") ?? until - DefaultRange;
        if (from >= until) throw Invalid("from", "it is not before until");
        var (period, groupBy) = ReadGroups(Text(request, "group_by"), allowed);
        return new UsageQuery
        {
            From = from,
            Until = until,
            TenantId = Text(request, "tenant"),
            KeyName = Text(request, "key"),
            User = Text(request, "user"),
            Model = Text(request, "model"),
            BotId = Text(request, "bot"),
            AccountId = Text(request, "account"),
            Period = period,
            GroupBy = groupBy,
            After = Text(request, "after") is { Length: > 0 } cursor ? ReadCursor(cursor) : null,
            Limit = ReadLimit(Text(request, "limit")),
        };
    }

    /// <summary>Whether the client asks for comma separated values.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: another format, or a page of them.</exception>
    public static bool IsCsv(HttpRequest request)
    {
        var isCsv = Text(request, "format") switch
        {
            "csv" => true,
            "json" => false,
            null or "" => request.GetTypedHeaders().Accept?.FirstOrDefault()?.MediaType is { HasValue: true } first
                && first.Equals("text/csv", StringComparison.OrdinalIgnoreCase),
            _ => throw Invalid("format", "expected json or csv"),
        };
        var page = (string[])["limit", "after"];
        if (isCsv && page.FirstOrDefault(request.Query.ContainsKey) is { } name) throw Invalid(name, "leave it out: comma separated values have no pages");
        return isCsv;
    }

    /// <summary>The cursor after a row.</summary>
    public static string CursorOf(UsageRow row)
    {
        string?[] values =
        [
            row.Time?.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture), row.TenantId, row.KeyName, row.User, row.Model, row.BotId, row.AccountId,
        ];
        return Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(values, UsageJson.Default.StringArray));
    }

    private static UsageRow ReadCursor(string text)
    {
        try
        {
            if (JsonSerializer.Deserialize(Base64Url.DecodeFromChars(text), UsageJson.Default.StringArray) is { Length: 7 } values)
            {
                return new UsageRow
                {
                    Time = values[0] is { } seconds ? DateTimeOffset.FromUnixTimeSeconds(long.Parse(seconds, CultureInfo.InvariantCulture)) : null,
                    TenantId = values[1],
                    KeyName = values[2],
                    User = values[3],
                    Model = values[4],
                    BotId = values[5],
                    AccountId = values[6],
                };
            }
        }
        catch (Exception e) when (e is FormatException or JsonException or OverflowException or ArgumentOutOfRangeException or DecoderFallbackException)
        {
            // The error below is that of every text which is no cursor.
        }
        throw Invalid("after", "expected the value of next in the page before");
    }

    private static (UsagePeriod Period, UsageDimensions GroupBy) ReadGroups(string? text, UsageDimensions allowed)
    {
        var (period, groupBy) = (UsagePeriod.All, UsageDimensions.None);
        foreach (var name in (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (name is "hour" or "day")
            {
                if (period != UsagePeriod.All) throw Invalid("group_by", "it has more than one of hour and day");
                period = name == "hour" ? UsagePeriod.Hour : UsagePeriod.Day;
                continue;
            }
            var dimension = Array.Find(Dimensions, candidate => candidate.Name == name).Dimension;
            if (dimension == UsageDimensions.None || !allowed.HasFlag(dimension))
                throw Invalid("group_by", $"expected hour, day, {string.Join(", ", NamesOf(allowed))}");
            groupBy |= dimension;
        }
        return (period, groupBy);
    }

    private static DateTimeOffset? ReadTime(HttpRequest request, string name)
    {
        if (Text(request, name) is not { Length: > 0 } text) return null;
        return QueryTimes.TryParse(text, out var time) ? time : throw Invalid(name, $"expected {QueryTimes.Expected}");
    }

    private static int ReadLimit(string? text)
    {
        if (text is null) return DefaultLimit;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit is > 0 and <= MaxLimit ? limit
            : throw Invalid("limit", $"expected an integer from 1 to {MaxLimit}");
    }

    private static string? Text(HttpRequest request, string name) => request.Query.TryGetValue(name, out var value) ? value.ToString() : null;

    private static IEnumerable<string> NamesOf(UsageDimensions allowed) =>
        Dimensions.Where(dimension => allowed.HasFlag(dimension.Dimension)).Select(dimension => dimension.Name);

    private static ClusterException Invalid(string name, string reason) => new(ErrorCode.InvalidRequest, $"Invalid '{name}': {reason}.", name);
}
