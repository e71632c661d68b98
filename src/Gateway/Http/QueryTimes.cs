using System.Globalization;

namespace CozeCluster.Gateway.Http;

/// <summary>Reads the times that clients send: dates and times of ISO 8601, which are UTC if they name no offset.</summary>
internal static class QueryTimes
{
    /// <summary>What error messages say that a time is.</summary>
    public const string Expected = "a date or time of ISO 8601, like 2026-01-31 or 2026-01-31T12:00:00Z";

    private const int FirstYear = 1971;
    private const int LastYear = 9999;

    private const DateTimeStyles Styles = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;

    private static readonly string[] Formats = ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];

    /// <summary>Parses a time from 1971 to 9998.</summary>
    public static bool TryParse(string text, out DateTimeOffset time) =>
        DateTimeOffset.TryParseExact(text, Formats, CultureInfo.InvariantCulture, Styles, out time) && time.Year is >= FirstYear and < LastYear;
}
