using System.Runtime.InteropServices;
using CozeCluster.DiscordDrill;

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

using var stop = new CancellationTokenSource(options.Limit);
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
try
{
    await using var stage = await Stage.StartAsync(options, stop.Token);
    var isGood = true;
    if (options.Conversations > 0)
    {
        var storm = await Storm.RunAsync(stage, options, stop.Token);
        Console.WriteLine(storm);
        isGood &= storm.IsGood;
    }
    if (options.Cadences.Count > 0) Console.WriteLine(await ReplyEnds.RunAsync(stage, options, stop.Token));
    return isGood ? 0 : 1;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    Console.Error.WriteLine("stopped, or longer than --limit");
    return 130;
}

// The node ends with the run, not with this signal.
void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}
