using System.Globalization;

namespace CozeCluster.Load;

/// <summary>The processor time and the memory of processes, added up, as Linux reports them.</summary>
internal sealed class ProcessMeter(params IReadOnlyList<int> pids)
{
    // USER_HZ: 100 on every Linux that .NET runs on.
    private const double TicksPerSecond = 100;

    /// <summary>The processor time of all threads, in user and kernel mode, since the start.</summary>
    public TimeSpan Cpu() => pids.Aggregate(TimeSpan.Zero, (sum, pid) => sum + Cpu(pid));

    /// <summary>The resident memory in bytes.</summary>
    public long Memory() => pids.Sum(Memory);

    private static TimeSpan Cpu(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        // The name, in parentheses, may contain any character. The numbers follow it.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return TimeSpan.FromSeconds((Number(fields[11]) + Number(fields[12])) / TicksPerSecond);
    }

    private static long Memory(int pid)
    {
        var line = File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return Number(line.Split(' ', '\t').First(part => part.Length > 0 && char.IsAsciiDigit(part[0]))) * 1024;
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
