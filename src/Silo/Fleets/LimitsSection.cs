using System.Globalization;
using System.Net;

namespace CozeCluster.Silo.Fleets;

/// <summary>Reads <c>limits</c> of a tenant, a key, a bot or an account, and <c>price</c> of a model.</summary>
internal static class LimitsSection
{
    private const long MaxAmount = 1_000_000_000_000;
    private const decimal MaxCredits = 1_000_000_000;

    /// <param name="section">The section, which may be missing.</param>
    /// <param name="withTurns">Whether it may limit the turns at the same time. For all but API keys, another field does that.</param>
    public static LimitsDefinition? Read(FleetField section, bool withTurns) => section.Map(map => new LimitsDefinition
    {
        RequestsPerMinute = map.Optional("requests_per_minute").Number(1, 1_000_000_000),
        TokensPerMinute = map.Optional("tokens_per_minute").Amount(1, MaxAmount),
        MaxConcurrentTurns = withTurns ? map.Optional("max_concurrent_turns").Turns() : null,
        Daily = ReadBudget(map.Optional("daily")),
        Monthly = ReadBudget(map.Optional("monthly")),
    });

    public static PriceDefinition? ReadPrice(FleetField section) => section.Map(map => new PriceDefinition
    {
        Input = map.Optional("input").Credits(MaxCredits) ?? 0,
        Output = map.Optional("output").Credits(MaxCredits) ?? 0,
        CachedInput = map.Optional("cached_input").Credits(MaxCredits),
        Request = map.Optional("request").Credits(MaxCredits) ?? 0,
    });

    private static BudgetDefinition? ReadBudget(FleetField section) => section.Map(map =>
    {
        var (requests, tokens, credits) = (map.Optional("requests"), map.Optional("tokens"), map.Optional("credits"));
        if (!requests.Exists && !tokens.Exists && !credits.Exists) map.Report("Expected at least one of 'requests', 'tokens' and 'credits'.");
        return new BudgetDefinition
        {
            Requests = requests.Amount(0, MaxAmount), Tokens = tokens.Amount(0, MaxAmount), Credits = credits.Credits(MaxCredits),
        };
    });

    private static long? Amount(this FleetField field, long min, long max)
    {
        var expected = $"a whole number from {min} to {max}";
        return field.Text(text => TryParse(text, out _), expected) is { } valid && TryParse(valid, out var amount) ? amount : null;

        bool TryParse(string text, out long number) =>
            long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= min && number <= max;
    }

    // A millionth of a credit is the smallest amount that is counted.
    private static decimal? Credits(this FleetField field, decimal max)
    {
        var expected = $"a number of credits from 0 to {max}, with at most 6 decimals";
        return field.Text(text => TryParse(text, out _), expected) is { } valid && TryParse(valid, out var credits) ? credits : null;

        bool TryParse(string text, out decimal number) =>
            decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number) && number <= max && number.Scale <= 6;
    }
}

/// <summary>Reads what restricts the use of an API key.</summary>
internal static class KeyRulesSection
{
    private const int MaxRanges = 100;
    private const string ExpectedRange = "a range of addresses in CIDR notation, such as 10.0.0.0/8 or 2001:db8::/32, or a single address";
    private const string ExpectedTime = "a date such as 2027-01-31, which is its first moment in UTC, or a time such as 2027-01-31T18:00:00Z";

    private static readonly string[] TimeFormats = ["yyyy-MM-dd", "yyyy-MM-ddTHH:mm:ssK", "yyyy-MM-ddTHH:mmK", "yyyy-MM-ddTHH:mm:ss.FFFFFFFK"];

    /// <summary>Ranges of addresses as <see cref="IPNetwork"/> writes them.</summary>
    public static IReadOnlyList<string> ReadRanges(FleetField section)
    {
        var ranges = new List<string>();
        foreach (var item in section.List("range"))
        {
            if (item.Text(text => TryReadRange(text, out _), ExpectedRange) is { } text && TryReadRange(text, out var range)) ranges.Add(range.ToString());
        }
        if (ranges.Count > MaxRanges) section.Report($"There are more than {MaxRanges} ranges.");
        return ranges;
    }

    public static DateTimeOffset? ReadTime(FleetField section) =>
        section.Text(text => TryReadTime(text, out _), ExpectedTime) is { } text && TryReadTime(text, out var time) ? time : null;

    private static bool TryReadRange(string text, out IPNetwork range)
    {
        if (IPNetwork.TryParse(text, out range)) return true;
        if (!IPAddress.TryParse(text, out var address)) return false;
        range = new IPNetwork(address, address.GetAddressBytes().Length * 8);
        return true;
    }

    private static bool TryReadTime(string text, out DateTimeOffset time) => DateTimeOffset.TryParseExact(
        text, TimeFormats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);
}
