using System.Security.Cryptography;
using System.Text;

namespace CozeCluster.Silo.Fleets;

/// <summary>The state of a fleet file at the time of a read.</summary>
/// <param name="Result">The fleet, or what is wrong with the file.</param>
/// <param name="Digest">A hash of the file and of the secret files that it names.</param>
internal sealed record FleetSnapshot(FleetResult Result, string Digest);

/// <summary>A fleet file on disk.</summary>
/// <param name="path">The full path.</param>
/// <param name="environment">Resolves <c>${NAME}</c>, again at each read.</param>
/// <param name="isReachable">Whether other machines can send API keys to the node; see <see cref="FleetReader"/>.</param>
internal sealed class FleetFileSource(string path, EnvironmentValues environment, bool isReachable = false) : IFleetSource
{
    private const string Unreadable = "The file does not exist or cannot be read.";
    private const string NoDigest = "none";

    /// <summary>The full path.</summary>
    public string Path { get; } = path;

    public string Name => Path;

    public string? Folder => System.IO.Path.GetDirectoryName(Path);

    /// <summary>Reads the file. A missing or unreadable file is a problem in the result.</summary>
    public FleetSnapshot Read()
    {
        if (ReadBytes() is not { } content) return new(new(null, [new(Place.Start, Unreadable)], new Dictionary<string, string>()), NoDigest);
        var result = new FleetReader(environment, isReachable).Read(content, System.IO.Path.GetDirectoryName(Path)!);
        return new FleetSnapshot(result, Digest(content, result.SecretFiles));
    }

    /// <summary>Whether neither the file nor a secret file that it names has changed since the snapshot. Parses nothing.</summary>
    public bool IsUnchangedSince(FleetSnapshot snapshot) => snapshot.Digest == (ReadBytes() is { } content
        ? Digest(content, snapshot.Result.SecretFiles.Keys.Select(file => KeyValuePair.Create(file, SecretFile.Digest(SecretFile.Read(file)))))
        : NoDigest);

    /// <summary>A problem with the path of the file, in the form <c>path:line:column: …</c> that editors recognize.</summary>
    public string Describe(FleetProblem problem) => $"{Path}:{problem}";

    private byte[]? ReadBytes()
    {
        try
        {
            // The limit protects from files without an end, such as devices. UTF-8 has at most four bytes for a character.
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
