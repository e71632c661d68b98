using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;

namespace CozeCluster.Upstreams.Coze;

/// <summary>The metrics of this upstream. <c>docs/operations.md</c> lists their names.</summary>
internal static class CozeMetrics
{
    // A server that invents codes must not fill the memory of whoever collects the metrics.
    private const int MaxCodes = 100;

    private static readonly Counter<long> UnknownCodes = new Meter(Tracing.SourceName).CreateCounter<long>(
        "cozecluster.coze.unknown_codes", description: "Errors of Coze with a code that is not in the table, by code and by what they were taken for.");

    private static readonly ConcurrentDictionary<long, string> Known = [];

    /// <summary>Counts an error with an unknown code.</summary>
    /// <param name="code">Coze's code; null if the error had only a name or a text.</param>
    /// <param name="classified">What it was taken for.</param>
    public static void UnknownCode(long? code, ErrorCode classified) => UnknownCodes.Add(
        1, new KeyValuePair<string, object?>("coze_code", code is { } number ? Name(number) : "none"), new("code", ErrorTable.Of(classified).Name));

    private static string Name(long code)
    {
        if (Known.TryGetValue(code, out var name)) return name;
        return Known.Count >= MaxCodes ? "other" : Known.GetOrAdd(code, code.ToString(CultureInfo.InvariantCulture));
    }
}
