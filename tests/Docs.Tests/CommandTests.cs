using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using CozeCluster.TestKit;

namespace CozeCluster.Docs.Tests;

/// <summary>The commands of a document work as written, one after another, with a real node. <c>session.sh</c> says what differs from a terminal.</summary>
public sealed partial class CommandTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(3);

    public static TheoryData<string> DocumentsWithCommands => [.. Document.All.Where(document => Commands(document).Any()).Select(document => document.Path)];

    [Theory]
    [MemberData(nameof(DocumentsWithCommands))]
    public async Task Commands_work(string path)
    {
        using var folder = new WorkFolder();
        var (nodePort, sandboxPort) = (FreePorts.Next(), FreePorts.Next());
        var script = folder.Write("session", WriteScript(Document.Of(path), folder, nodePort, sandboxPort));

        var (exitCode, output) = await Run(folder.Path, script);

        Assert.True(exitCode == 0, $"The commands of {path} ended with {exitCode}; the last line that begins with @@ is where.\n{output}");
    }

    [Fact]
    public void Entries_of_blocks_that_are_not_executed_are_in_use_and_have_a_reason() => Assert.All(NotExecuted.Blocks, entry =>
    {
        Assert.Single(Document.Of(entry.Path).Blocks, block => block.Language == "sh" && block.FirstLine == entry.FirstLine);
        Assert.NotEmpty(entry.Reason);
    });

    /// <summary>At least what they name exists, and Bash can parse them.</summary>
    [Fact]
    public void Commands_that_are_not_executed_are_well_formed() => Assert.All(
        Document.All.SelectMany(document => document.Blocks).Where(block => block.Language == "sh" && NotExecuted.Has(block)), block =>
        {
            var paths = RepositoryPath().Matches(block.Text).Select(match => match.Value);
            Assert.All(paths, path => Assert.True(Repository.Has(path), $"{block}: there is no {path}"));
            Assert.Equal((0, ""), Programs.Run("bash", "-n", "-c", block.Text));
        });

    private static IEnumerable<Block> Commands(Document document) => document.Blocks.Where(block => block.Language == "sh" && !NotExecuted.Has(block));

    private static string WriteScript(Document document, WorkFolder folder, int nodePort, int sandboxPort)
    {
        var script = new StringBuilder($"PROGRAMS='{AppContext.BaseDirectory}' NODE_PORT={nodePort} SANDBOX_PORT={sandboxPort}\n")
            .Append(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "session.sh")));
        var commands = Commands(document).ToList();
        // Most pages expect that the node of the quick start runs.
        var firstWithNode = commands.FirstOrDefault(block => StartsNode(block) || block.Text.Contains(":7077"));
        if (firstWithNode is not null && !StartsNode(firstWithNode)) script.Append("start_node --sandbox\n");
        foreach (var block in document.Blocks)
        {
            var text = block.Text
                .Replace("127.0.0.1:7077", $"127.0.0.1:{nodePort}")
                .Replace("127.0.0.1:7078", $"127.0.0.1:{sandboxPort}")
                .Replace("pat_...", "pat_sandbox");
            if (commands.Contains(block)) script.Append($"echo '@@ {block}'\n{text}");
            else if (block is { Language: "yaml", FileName: { } name }) script.Append($"cat > {name} <<'END OF FILE'\n{text}END OF FILE\n");
            else if (block.Language == "csharp" && CSharp.IsProgram(block))
                script.Append($"echo '@@ {block}'\nrun_csharp '{CSharp.CompileProgram(text, folder.Create($"csharp-{block.Line}"))}'\n");
        }
        return script.ToString();
    }

    private static bool StartsNode(Block block) => block.Text.Contains("--project src/Silo -- --");

    private static async Task<(int ExitCode, string Output)> Run(string folder, string script)
    {
        var start = new ProcessStartInfo("bash", [script]) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        // The settings of the machine that runs the tests are not those of the reader.
        foreach (var name in start.Environment.Keys.Where(name => name.Contains("COZECLUSTER_") || name == "PORT").ToList()) start.Environment.Remove(name);
        using var bash = Process.Start(start)!;
        var output = new StringBuilder();
        DataReceivedEventHandler add = (_, line) => { lock (output) output.AppendLine(line.Data); };
        bash.OutputDataReceived += add;
        bash.ErrorDataReceived += add;
        bash.BeginOutputReadLine();
        bash.BeginErrorReadLine();
        using var timeout = new CancellationTokenSource(Timeout);
        try
        {
            await bash.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            bash.Kill(entireProcessTree: true);
            await bash.WaitForExitAsync(CancellationToken.None);
        }
        lock (output) return (bash.ExitCode, output.ToString());
    }

    [GeneratedRegex(@"(?<![\w./])(src|tests|deploy|bench)/(?![\w./-]*/bin/)[\w./-]+\b")]
    private static partial Regex RepositoryPath();

    /// <summary>A folder like a copy of the repository, for the files that commands write.</summary>
    private sealed class WorkFolder : IDisposable
    {
        public WorkFolder()
        {
            foreach (var name in new[] { "bench", "deploy", "docs", "examples", "src", "tests" })
                Directory.CreateSymbolicLink(System.IO.Path.Combine(Path, name), System.IO.Path.Combine(Repository.Root, name));
        }

        public string Path { get; } = Directory.CreateTempSubdirectory("cozecluster-docs-").FullName;

        public string Create(string name) => Directory.CreateDirectory(System.IO.Path.Combine(Path, name)).FullName;

        public string Write(string name, string text)
        {
            var path = System.IO.Path.Combine(Path, name);
            File.WriteAllText(path, text);
            return path;
        }

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
