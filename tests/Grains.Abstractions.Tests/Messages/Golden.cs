namespace CozeCluster.Grains.Abstractions.Tests.Messages;

/// <summary>A file that pins how something is written, one line for each type.</summary>
/// <param name="name">Name of the file, in this folder.</param>
internal sealed class Golden(string name)
{
    private const string Update = "COZECLUSTER_UPDATE_WIRE";

    /// <summary>Its lines.</summary>
    public string[] Lines => File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Messages", name));

    /// <summary>Compares it with what is written now, or takes that over if <c>COZECLUSTER_UPDATE_WIRE=1</c>.</summary>
    public void Verify(IReadOnlyList<string> now)
    {
        if (Environment.GetEnvironmentVariable(Update) == "1")
        {
            File.WriteAllLines(Source(), now);
            return;
        }

        var differences = Lines.Except(now).Select(line => "- " + line).Concat(now.Except(Lines).Select(line => "+ " + line));
        Assert.True(
            Lines.SequenceEqual(now),
            $"""
             What is written is not what {name} shows. Other processes, or stored states, depend on it: add, never rename or reorder.
             If the change is an addition, take it over with {Update}=1 and read the diff.
             {string.Join('\n', differences)}
             """);
    }

    private string Source()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "CozeCluster.sln"))) folder = folder.Parent;
        return Path.Combine(folder!.FullName, "tests", ContractAssembly.Project, "Messages", name);
    }
}
