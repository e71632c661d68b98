using System.Security.Cryptography;
using System.Text;

namespace CozeCluster.Silo.Fleets;

/// <summary>The state of one read of a fleet: the environment, the folder where relative paths start, and the problems found so far.</summary>
/// <param name="environment">Resolves <c>${NAME}</c>.</param>
/// <param name="folder">The folder; null: files cannot be named.</param>
internal sealed class FleetReadContext(EnvironmentValues environment, string? folder)
{
    public EnvironmentValues Environment { get; } = environment;

    public List<FleetProblem> Problems { get; } = [];

    /// <summary>Digests of the secret files that the fleet names, by full path. A change in one of them is a change of the fleet.</summary>
    public SortedDictionary<string, string> SecretFiles { get; } = new(StringComparer.Ordinal);

    public void Report(Place at, string message) => Problems.Add(new(at, message));

    /// <summary>Reads a secret file, without the line break at its end. A file that is missing or empty is reported.</summary>
    /// <returns>Null if the file has no text.</returns>
    public string? ReadSecretFile(string path, Place at)
    {
        if (folder is null)
        {
            Report(at, "Files of a node cannot be named here. Write the secret itself.");
            return null;
        }
        var fullPath = Path.GetFullPath(path, folder);
        var content = SecretFile.Read(fullPath);
        SecretFiles[fullPath] = SecretFile.Digest(content);
        if (content is null)
        {
            Report(at, $"The file '{path}' does not exist or cannot be read. Relative paths start in the folder of the fleet file.");
            return null;
        }
        var text = Encoding.UTF8.GetString(content).TrimEnd('\r', '\n');
        if (text.Trim().Length > 0) return text;
        Report(at, $"The file '{path}' is empty.");
        return null;
    }
}

/// <summary>A file that holds one secret.</summary>
internal static class SecretFile
{
    private const int MaxBytes = 64 * 1024;

    /// <summary>The content; null if the file does not exist, cannot be read, or is larger than any secret.</summary>
    public static byte[]? Read(string path)
    {
        try
        {
            return new FileInfo(path) is { Exists: true, Length: <= MaxBytes } ? File.ReadAllBytes(path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>A hash of the content, to detect changes.</summary>
    public static string Digest(byte[]? content) => content is null ? "none" : Convert.ToHexStringLower(SHA256.HashData(content));
}

/// <summary>A position in a fleet file.</summary>
/// <param name="Line">Counted from 1.</param>
/// <param name="Column">Counted from 1.</param>
/// <param name="Path">The path of the value (<c>bots[2].accounts[0]</c>); empty for the file as a whole.</param>
internal readonly record struct Place(int Line, int Column, string Path)
{
    public static Place Start { get; } = new(1, 1, "");

    /// <summary>Where it is, for sentences: <c>line 5</c>, or the path where lines are not known.</summary>
    public string Where => Line > 0 ? $"line {Line}" : Path;
}

/// <summary>One problem of a fleet file.</summary>
/// <param name="Line">Counted from 1.</param>
/// <param name="Column">Counted from 1.</param>
/// <param name="Path">The path of the value (<c>bots[2].accounts[0]</c>); empty for the file as a whole.</param>
/// <param name="Message">What was expected, and what to do. Never contains the value of a secret.</param>
internal sealed record FleetProblem(int Line, int Column, string Path, string Message)
{
    public FleetProblem(Place at, string message) : this(at.Line, at.Column, at.Path, message)
    {
    }

    public override string ToString() => Path.Length == 0 ? $"{Line}:{Column}: {Message}" : $"{Line}:{Column}: {Path}: {Message}";
}
