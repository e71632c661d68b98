using System.Security.Cryptography;
using System.Text;
using CozeCluster.Silo.Hosting;

namespace CozeCluster.Silo.Fleets;

/// <summary>What a fleet file held when it was looked at.</summary>
/// <param name="Result">What reading it came to.</param>
/// <param name="Digest">Differs when the file, or a secret file it names, holds something else.</param>
internal sealed record FleetLook(FleetResult Result, string Digest);

/// <summary>A fleet file on disk.</summary>
/// <param name="path">Its full path.</param>
/// <param name="environment">Where <c>${NAME}</c> is looked up, anew at every look.</param>
internal sealed class FleetFileSource(string path, EnvironmentValues environment)
{
    private const string Unreadable = "The file does not exist or cannot be read.";

    /// <summary>Its full path.</summary>
    public string Path { get; } = path;

    /// <summary>Reads the file. One that cannot be read is a problem like any other.</summary>
    public FleetLook Look()
    {
        if (Content() is not { } content) return new(new(null, [new(Place.Start, Unreadable)], new Dictionary<string, string>()), "none");
        var result = new FleetReader(environment).Read(content, System.IO.Path.GetDirectoryName(Path)!);
        return new FleetLook(result, Digest(content, result.SecretFiles));
    }

    /// <summary>Reads a file that has to be sound.</summary>
    /// <exception cref="StartException">It is not; all problems are told.</exception>
    public FleetLook LookStrictly()
    {
        var look = Look();
        return look.Result.File is not null ? look : throw new StartException([.. look.Result.Problems.Select(Describe)]);
    }

    /// <summary>Whether the file, and the secret files it named, hold what they held at that look. Costs no parsing.</summary>
    public bool IsStill(FleetLook look) => look.Digest == (Content() is { } content
        ? Digest(content, look.Result.SecretFiles.Keys.Select(file => KeyValuePair.Create(file, SecretFile.Digest(SecretFile.Read(file)))))
        : "none");

    /// <summary>A problem in the form that editors jump to.</summary>
    public string Describe(FleetProblem problem) => $"{Path}:{problem}";

    private byte[]? Content()
    {
        try
        {
            // No reading without end of what is no fleet file anyway (a device, a log).
            return new FileInfo(Path) is { Exists: true, Length: <= 4L * FleetYaml.MaxCharacters } ? File.ReadAllBytes(Path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string Digest(byte[] content, IEnumerable<KeyValuePair<string, string>> secretFiles)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(content);
        foreach (var (file, digest) in secretFiles) hash.AppendData(Encoding.UTF8.GetBytes($"{file}\0{digest}\0"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
