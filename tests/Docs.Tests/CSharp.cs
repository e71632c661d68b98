using System.Reflection;

namespace CozeCluster.Docs.Tests;

/// <summary>Compiles the C# of documents with the compiler of the SDK.</summary>
internal static class CSharp
{
    private const string ImplicitUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    private static readonly string Compiler =
        typeof(CSharp).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "Compiler").Value!;

    // Everything that this project references, the framework included.
    private static readonly string[] References = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);

    /// <summary>Whether a block is a program that its reader saves and runs: it names its packages.</summary>
    public static bool IsProgram(Block block) => block.Text.StartsWith("#:package ", StringComparison.Ordinal);

    /// <summary>Compiles a program and puts what it needs beside it.</summary>
    /// <returns>The path of the program.</returns>
    public static string CompileProgram(string text, string folder)
    {
        var lines = text.Split('\n').Where(line => !line.StartsWith("#:", StringComparison.Ordinal));
        var program = Compile([string.Join('\n', lines)], "exe", Path.Combine(folder, "Program.dll"));
        File.Copy(Path.Combine(AppContext.BaseDirectory, "CozeCluster.Docs.Tests.runtimeconfig.json"), Path.ChangeExtension(program, "runtimeconfig.json"));
        // The packages of the tests, among them those of the program.
        foreach (var name in Directory.EnumerateFiles(AppContext.BaseDirectory, "*.dll").Select(Path.GetFileName).Where(name => !name!.Contains("CozeCluster")))
            File.CreateSymbolicLink(Path.Combine(folder, name!), Path.Combine(AppContext.BaseDirectory, name!));
        return program;
    }

    /// <summary>Compiles files that belong together. They see what tests see: <c>internal</c> members of all rooms.</summary>
    public static void CompileFiles(IEnumerable<string> files, string folder) => Compile(files, "library", Path.Combine(folder, "CozeCluster.Docs.Tests.dll"));

    private static string Compile(IEnumerable<string> files, string target, string output)
    {
        var folder = Path.GetDirectoryName(output)!;
        var sources = files.Prepend(ImplicitUsings).Select((text, number) =>
        {
            var path = Path.Combine(folder, $"{number}.cs");
            File.WriteAllText(path, text);
            return path;
        }).ToList();
        var own = Path.GetFileName(output);
        var responseFile = Path.Combine(folder, "arguments.rsp");
        File.WriteAllLines(responseFile,
        [
            "-nologo", "-nostdlib", "-nullable:enable", "-langversion:latest", "-warnaserror+", "-nowarn:1701,1702", $"-target:{target}", $"-out:\"{output}\"",
            .. References.Where(path => Path.GetFileName(path) != own).Select(path => $"-r:\"{path}\""),
            .. sources.Select(path => $"\"{path}\""),
        ]);
        var (exitCode, errors) = Programs.Run("dotnet", Compiler, $"@{responseFile}");
        Assert.True(exitCode == 0, errors);
        return output;
    }
}
