using CozeCluster.Bench;
using CozeCluster.Load;

if (args is ["table", var folder]) return Table.Print(folder);
if (args is []) args = ["--help"];
if (CommandLine.Parse(args, LoadOptions.Help, LoadOptions.Parse, out var exitCode) is not { } options) return exitCode;

LoadResult result;
try
{
    result = await LoadRun.RunAsync(options);
}
catch (IOException fault)
{
    // The files of an ended process in /proc do not exist any more.
    Console.Error.WriteLine($"A measured process has ended: {fault.Message}");
    return 1;
}
Console.WriteLine(result.ToText());
if (options.JsonFile is { } file) await File.WriteAllTextAsync(file, result.ToJson());
return result.Errors == 0 && (options.Hold || result.Chunks > 0) ? 0 : 1;
