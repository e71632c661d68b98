using System.Runtime.InteropServices;
using CozeCluster.Drill;

if (args is ["--help"])
{
    Console.WriteLine(DrillOptions.Help);
    return 0;
}

DrillOptions options;
try
{
    options = DrillOptions.Parse(args);
}
catch (ArgumentException fault)
{
    Console.Error.WriteLine($"{fault.Message}\n\n{DrillOptions.Help}");
    return 2;
}

using var stop = new CancellationTokenSource();
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
try
{
    var report = await DrillRun.RunAsync(options, Console.WriteLine, stop.Token);
    Console.WriteLine(report);
    return report.IsGood ? 0 : 1;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    Console.Error.WriteLine("stopped");
    return 130;
}
catch (ServerException fault)
{
    Console.Error.WriteLine(fault.Message);
    return 1;
}

// The servers end with the run, not with this signal.
void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}
