using System.Globalization;

namespace CozeCluster.Load;

/// <summary>The results of many runs as one Markdown table: medians over rounds, and the ratio of the node to the bare proxy.</summary>
internal static class Table
{
    private sealed record Row(string Name, string Figure, string Format, Func<LoadResult, double> Value, bool AddedToDirect = false);

    private static readonly Row[] Rows =
    [
        new("paced", "server CPU per delta, µs", "f1", result => result.CpuPerChunkMicros),
        new("paced", "events per delta", "f2", result => (double)result.Events / result.Chunks),
        new("paced", "server CPU per event, µs", "f1", result => result.ServerCpu / result.Events * 1e6),
        new("paced", "lag of a delta p50, ms", "f2", result => result.LagP50Ms),
        new("paced", "lag of a delta p99, ms", "f2", result => result.LagP99Ms),
        new("saturated", "deltas per second", "f0", result => result.ChunksPerSecond),
        new("saturated", "server CPU per delta, µs", "f1", result => result.CpuPerChunkMicros),
        new("first", "first text p50, ms", "f2", result => result.FirstTextP50Ms),
        new("first", "first text p99, ms", "f2", result => result.FirstTextP99Ms),
        new("first", "added first text p50, ms", "f2", result => result.FirstTextP50Ms, AddedToDirect: true),
        new("single", "replies per second", "f0", result => result.RepliesPerSecond),
        new("single", "server CPU per reply, µs", "f0", result => result.CpuPerReplyMicros),
        new("idle", "memory per stream, KiB", "f1", result => result.MemoryPerStream / 1024),
        new("idle", "server CPU for all, cores", "f2", result => result.ServerCpu / result.Seconds),
    ];

    public static int Print(string folder)
    {
        var results = Directory.GetFiles(folder, "*.json").Select(file => LoadResult.FromJson(File.ReadAllText(file))).ToList();
        Console.WriteLine("| run | figure | direct | proxy | node | node ÷ proxy |");
        Console.WriteLine("|---|---|---:|---:|---:|---:|");
        foreach (var row in Rows)
        {
            var (direct, proxy, node) = (Median(row, "direct"), Median(row, "proxy"), Median(row, "node"));
            if (row.AddedToDirect) (direct, proxy, node) = (null, proxy - direct, node - direct);
            else if (row.Figure.Contains("server", StringComparison.Ordinal) || row.Name == "idle") direct = null;
            if (proxy is null && node is null) continue;
            var ratio = proxy is > 0 && node is not null ? (node / proxy).Value.ToString("f2", CultureInfo.InvariantCulture) : "–";
            Console.WriteLine($"| {row.Name} | {row.Figure} | {Text(direct, row)} | {Text(proxy, row)} | {Text(node, row)} | {ratio} |");
        }
        PrintDifference("volatile", "node", "volatile turns", "durable turns");
        PrintDifference("node", "charged", "without limits", "with limits and budgets");
        var errors = results.Sum(result => result.Errors);
        Console.WriteLine($"\n{results.Count} runs, {errors} errors.");
        return errors == 0 ? 0 : 1;

        // What a function of the node costs.
        void PrintDifference(string cheaper, string other, string cheaperName, string otherName)
        {
            if (!new[] { cheaper, other }.All(target => results.Exists(result => result.Target == target))) return;
            Console.WriteLine($"\n| run | figure | {cheaperName} | {otherName} | difference | ratio |");
            Console.WriteLine("|---|---|---:|---:|---:|---:|");
            foreach (var row in Rows.Where(row => !row.AddedToDirect))
            {
                if (Median(row, cheaper) is not { } without || Median(row, other) is not { } with) continue;
                var ratio = without > 0 ? (with / without).ToString("f2", CultureInfo.InvariantCulture) : "–";
                Console.WriteLine($"| {row.Name} | {row.Figure} | {Text(without, row)} | {Text(with, row)} | {Text(with - without, row)} | {ratio} |");
            }
        }

        double? Median(Row row, string target)
        {
            var values = results.Where(result => result.Name == row.Name && result.Target == target).Select(row.Value).Order().ToList();
            return values.Count == 0 ? null : (values[(values.Count - 1) / 2] + values[values.Count / 2]) / 2;
        }
    }

    private static string Text(double? value, Row row) => value?.ToString(row.Format, CultureInfo.InvariantCulture) ?? "–";
}
