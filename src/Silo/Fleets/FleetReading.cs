using System.Text;

namespace CozeCluster.Silo.Fleets;

/// <summary>What one reading of a fleet file works with: the environment, the folder relative paths start from, and the problems found so far.</summary>
internal sealed class FleetReading(EnvironmentValues environment, string directory)
{
    public EnvironmentValues Environment { get; } = environment;

    public List<FleetProblem> Problems { get; } = [];

    /// <summary>Digests of the secret files that were asked for, by full path: a change in one of them is a change of the fleet.</summary>
    public SortedDictionary<string, string> SecretFiles { get; } = new(StringComparer.Ordinal);

    public void Report(Place at, string message) => Problems.Add(new(at, message));

    /// <summary>The text of a secret file, without the line break at its end; null, reported, if it cannot be had.</summary>
    public string? ReadSecretFile(string path, Place at)
    {
        var full = Path.GetFullPath(path, directory);
        var content = SecretFile.Read(full);
        SecretFiles[full] = SecretFile.Digest(content);
        if (content is null)
        {
            Report(at, $"The file '{path}' is needed here, but it does not exist or cannot be read (relative paths start at the fleet file's folder).");
            return null;
        }
        var text = Encoding.UTF8.GetString(content).TrimEnd('\r', '\n');
        if (text.Trim().Length > 0) return text;
        Report(at, $"The file '{path}' is empty.");
        return null;
    }
}
