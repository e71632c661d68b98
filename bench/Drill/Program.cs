using CozeCluster.Bench;
using CozeCluster.Drill;

if (CommandLine.Parse(args, DrillOptions.Help, DrillOptions.Parse, out var exitCode) is not { } options) return exitCode;

return await CommandLine.RunAsync(Timeout.InfiniteTimeSpan, async cancellationToken =>
{
    try
    {
        var report = await DrillRun.RunAsync(options, Console.WriteLine, cancellationToken);
        Console.WriteLine(report);
        return report.Succeeded ? 0 : 1;
    }
    catch (ServerException fault)
    {
        Console.Error.WriteLine(fault.Message);
        return 1;
    }
});
