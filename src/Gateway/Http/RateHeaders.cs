using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Http;

/// <summary>Writes what is left of the limits per minute into the headers that OpenAI's API has for it.</summary>
internal static class RateHeaders
{
    /// <summary>Sets the headers when the response starts. By then the tenant has admitted or refused the turn.</summary>
    public static void AddTo(HttpResponse response, RequestKey key) => response.OnStarting(static state =>
    {
        var (response, key) = ((HttpResponse, RequestKey))state;
        if (key.Rates is not { } rates) return Task.CompletedTask;
        Set(response.Headers, "requests", rates.Requests);
        Set(response.Headers, "tokens", rates.Tokens);
        return Task.CompletedTask;
    }, (response, key));

    private static void Set(IHeaderDictionary headers, string what, RateLeft? left)
    {
        if (left is null) return;
        headers[$"x-ratelimit-limit-{what}"] = left.Limit.ToString(CultureInfo.InvariantCulture);
        headers[$"x-ratelimit-remaining-{what}"] = left.Remaining.ToString(CultureInfo.InvariantCulture);
        headers[$"x-ratelimit-reset-{what}"] = Format(left.Reset);
    }

    // The form of OpenAI: 1m1s, 12s, 250ms.
    private static string Format(TimeSpan reset)
    {
        if (reset < TimeSpan.FromSeconds(1)) return string.Create(CultureInfo.InvariantCulture, $"{(long)Math.Ceiling(reset.TotalMilliseconds)}ms");
        var seconds = (long)Math.Ceiling(reset.TotalSeconds);
        return string.Create(CultureInfo.InvariantCulture, $"{(seconds < 60 ? "" : $"{seconds / 60}m")}{seconds % 60}s");
    }
}
