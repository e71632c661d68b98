using CozeCluster.TestKit;

namespace CozeCluster.Grains.Abstractions.Tests;

/// <summary>A file with the expected form of all messages or calls, one line for each.</summary>
/// <param name="name">The name of the file in this folder.</param>
internal sealed class GoldenFile(string name)
{
    private const string Update = "COZECLUSTER_UPDATE_WIRE";

    /// <summary>The lines of the file.</summary>
    public string[] Lines => File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Golden", name));

    /// <summary>Compares the file with the actual lines. With <c>COZECLUSTER_UPDATE_WIRE=1</c>, writes the actual lines into the file instead.</summary>
    public void Verify(IReadOnlyList<string> actual)
    {
        if (Environment.GetEnvironmentVariable(Update) == "1")
        {
            File.WriteAllLines(SourcePath(), actual);
            return;
        }

        var differences = Lines.Except(actual).Select(line => "- " + line).Concat(actual.Except(Lines).Select(line => "+ " + line));
        Assert.True(
            Lines.SequenceEqual(actual),
            $"""
             The actual lines differ from {name}. Other processes or stored states depend on them: add lines, never rename or reorder anything.
             If the change is an addition, run the test with {Update}=1 and review the diff.
             {string.Join('\n', differences)}
             """);
    }

    private string SourcePath() => Path.Combine(SourceTree.Root, "tests", ContractAssembly.Project, "Golden", name);
}
