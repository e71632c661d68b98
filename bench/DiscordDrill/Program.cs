using CozeCluster.Bench;
using CozeCluster.DiscordDrill;

if (CommandLine.Parse(args, DrillOptions.Help, DrillOptions.Parse, out var exitCode) is not { } options) return exitCode;

return await CommandLine.RunAsync(options.Limit, async cancellationToken =>
{
    await using var stage = await Stage.StartAsync(options, cancellationToken);
    var succeeded = true;
    if (options.Conversations > 0)
    {
        var report = await Storm.RunAsync(stage, options, cancellationToken);
        Console.WriteLine(report);
        succeeded = report.Succeeded;
    }
    if (options.Cadences.Count > 0) Console.WriteLine(await ReplyEnds.RunAsync(stage, options, cancellationToken));
    return succeeded ? 0 : 1;
});
