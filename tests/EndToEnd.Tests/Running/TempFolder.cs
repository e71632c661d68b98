namespace CozeCluster.EndToEnd.Tests;

/// <summary>A temporary folder. It is deleted when it is disposed.</summary>
internal sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("cozecluster-").FullName;

    /// <summary>Writes a file in the folder.</summary>
    /// <returns>The path of the file.</returns>
    public string Write(string name, string text)
    {
        var path = System.IO.Path.Combine(Path, name);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
