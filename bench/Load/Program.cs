using CozeCluster.Load;

if (args is ["table", var folder]) return Table.Print(folder);
if (args is [] or ["--help"])
{
    Console.WriteLine(LoadOptions.Help);
    return 0;
}

LoadOptions options;
try
{
    options = LoadOptions.Parse(args);
}
catch (ArgumentException fault)
{
    Console.Error.WriteLine($"{fault.Message}\n\n{LoadOptions.Help}");
    return 2;
}

LoadResult result;
try
{
    result = await LoadRun.RunAsync(options);
}
catch (IOException fault)
{
    // Its place in /proc is gone.
    Console.Error.WriteLine($"a process to measure has ended: {fault.Message}");
    return 1;
}
Console.WriteLine(result.ToText());
if (options.JsonFile is { } file) await File.WriteAllTextAsync(file, result.ToJson());
return result.Errors == 0 && (options.Hold || result.Chunks > 0) ? 0 : 1;
