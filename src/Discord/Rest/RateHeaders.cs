using System.Globalization;
using System.Net.Http.Headers;

namespace CozeCluster.Discord;

/// <summary>What an answer says about limits (Discord's API reference, "Rate Limits").</summary>
/// <param name="Bucket">Opaque; routes that name the same share their limits, per major id.</param>
/// <param name="Limit">Requests per window.</param>
/// <param name="Remaining">Of this window.</param>
/// <param name="ResetAfter">Until the next window.</param>
/// <param name="Scope"><c>user</c>, <c>global</c> or <c>shared</c>; on 429 only.</param>
/// <param name="RetryAfter">On 429 only.</param>
internal readonly record struct RateHeaders(string? Bucket, int? Limit, int? Remaining, TimeSpan? ResetAfter, string? Scope, TimeSpan? RetryAfter)
{
    /// <summary>Whether they describe a window.</summary>
    public bool IsLimit => Limit is > 0 && Remaining is not null && ResetAfter is not null;

    /// <summary>Reads them; what is missing or malformed is null.</summary>
    public static RateHeaders Of(HttpResponseHeaders headers)
    {
        var isGlobal = bool.TryParse(One(headers, "X-RateLimit-Global"), out var global) && global;
        return new RateHeaders(
            One(headers, "X-RateLimit-Bucket"),
            Number(One(headers, "X-RateLimit-Limit")),
            Number(One(headers, "X-RateLimit-Remaining")),
            Seconds(One(headers, "X-RateLimit-Reset-After")),
            isGlobal ? "global" : One(headers, "X-RateLimit-Scope"),
            Seconds(One(headers, "Retry-After")));
    }

    /// <summary>Seconds as a span, 0 to a day; null for anything else.</summary>
    public static TimeSpan? Seconds(double? seconds) =>
        seconds is >= 0 and <= double.MaxValue ? TimeSpan.FromSeconds(Math.Min(seconds.Value, TimeSpan.SecondsPerDay)) : null;

    private static TimeSpan? Seconds(string? text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) ? Seconds(seconds) : null;

    private static int? Number(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string? One(HttpResponseHeaders headers, string name) => headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;
}
