using CozeCluster.TestKit;

namespace CozeCluster.Migration.Tests;

/// <summary>Configurations of the shape that the older systems document, with invented values.</summary>
internal static class Samples
{
    public static readonly string Root = Path.Combine(SourceTree.Root, "tests", "Migration.Tests", "Samples");

    /// <summary>The folders of samples, with the system of each.</summary>
    public static TheoryData<string, string> All => new()
    {
        { "cdp", "cdp" }, { "cdp-many", "cdp" }, { "ccp", "ccp" }, { "cdb", "cdb" }, { "rca", "rca" }, { "aiproxy", "aiproxy" },
    };

    public static string PathOf(string name) => Path.Combine(Root, name);

    public static OldFleet Read(string name) => Migrator.Read(PathOf(name));

    public static FleetText Write(string name) => FleetText.Of(Read(name), new FleetTextOptions { VariablesFile = "fleet.env" });
}

/// <summary>A folder for the files of one test.</summary>
internal sealed class TestFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("cozecluster-migration-").FullName;

    public string Write(string name, string text)
    {
        var path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>Reads the folder, which has to fail.</summary>
    public IReadOnlyList<string> Problems(OldSystem? system = null) => Assert.Throws<MigrationException>(() => Migrator.Read(Path, system)).Lines;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
