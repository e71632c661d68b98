using CozeCluster.Migration.AiProxy;
using CozeCluster.Migration.Ccp;
using CozeCluster.Migration.Cdb;
using CozeCluster.Migration.Cdp;
using CozeCluster.Migration.Rca;
using CozeCluster.Migration.Sources;

namespace CozeCluster.Migration;

/// <summary>Reads the configurations of older systems.</summary>
public static class Migrator
{
    // The variables without which coze-discord-proxy did not start.
    private static readonly string[] Required = ["USER_AUTHORIZATION", "BOT_TOKEN", "GUILD_ID", "COZE_BOT_ID"];

    // Where the containers of the old systems kept their files.
    private static readonly string[] CdpFolders = ["", "/app/coze-discord-proxy/data", "/app/coze-discord-proxy"];
    private static readonly string[] CcpFolders = ["", "/app"];

    /// <summary>Reads a file or a folder.</summary>
    /// <param name="path">The full path.</param>
    /// <param name="system">The system; null: it is found out.</param>
    /// <exception cref="MigrationException">It is not known which system it belongs to, or the configuration is wrong.</exception>
    public static OldFleet Read(string path, OldSystem? system = null)
    {
        var isFolder = Directory.Exists(path);
        if (!isFolder && !File.Exists(path)) throw new MigrationException($"There is no file or folder '{path}'.");
        var found = isFolder
            ? new OldFolder(path, system).ReadAll()
            : new OldFolder(Path.GetDirectoryName(path)!, system).ReadFile(Path.GetFileName(path));
        if (found.Systems.Count == 0) throw NothingFound(path, isFolder, system);
        if (found.Systems.Count > 1)
        {
            var systems = found.Systems.Select(other => $"{other.NameOf()} ({string.Join(", ", found.Files(other))})");
            var modes = found.Systems.Select(other => other.ModeOf());
            throw new MigrationException(
                $"'{path}' has configurations of several systems: {string.Join("; ", systems)}. "
                + $"Say which one is meant: --from {string.Join(" or --from ", modes)}.");
        }
        return Read(found, found.Systems[0]);
    }

    /// <summary>
    /// Reads the configuration of coze-discord-proxy from environment variables and the file beside the process, or else that of coze-chat-proxy.
    /// </summary>
    /// <param name="variables">The environment variables of the process.</param>
    /// <param name="folder">The full path of the folder that it was started in.</param>
    /// <returns>Null if neither is there.</returns>
    /// <exception cref="MigrationException">The configuration is wrong.</exception>
    public static OldFleet? ReadEnvironment(IReadOnlyDictionary<string, string?> variables, string folder)
    {
        var environment = SourceNode.Map(
            new Place("the environment", 0),
            [.. variables.Select(pair => (pair.Key, SourceNode.Scalar(new Place("the environment", 0), pair.Value)))]);
        return SystemOf(variables, folder) switch
        {
            OldSystem.Cdp => ReadCdp(environment, folder),
            OldSystem.Ccp => ReadCcp(environment, folder),
            _ => null,
        };
    }

    /// <summary>Which system's environment a process has; null: none. Reads as little as possible.</summary>
    public static OldSystem? SystemOf(IReadOnlyDictionary<string, string?> variables, string folder)
    {
        if (Required.All(name => !string.IsNullOrWhiteSpace(variables.GetValueOrDefault(name)))) return OldSystem.Cdp;
        return CcpFile(variables.GetValueOrDefault("BOT_CONFIG"), folder) is not null ? OldSystem.Ccp : null;
    }

    /// <summary>The files that <see cref="ReadEnvironment"/> would read again, whether they exist or not.</summary>
    public static IReadOnlyList<string> FilesOf(OldSystem system, IReadOnlyDictionary<string, string?> variables, string folder) => system == OldSystem.Cdp
        ? [.. Candidates(CdpFolders, OldSystem.Cdp, folder)]
        : [Path.GetFullPath(".env", folder), .. CcpCandidates(variables.GetValueOrDefault("BOT_CONFIG"), folder)];

    private static OldFleet ReadCdp(SourceNode environment, string folder)
    {
        var path = Candidates(CdpFolders, OldSystem.Cdp, folder).FirstOrDefault(File.Exists);
        var document = path is null ? null : Parse(path, folder);
        var fleet = CdpReader.Read(new OldInputs(environment, document) { IsProcess = true });
        fleet.Files = path is null ? [] : [Path.GetRelativePath(folder, path)];
        return fleet;
    }

    private static OldFleet ReadCcp(SourceNode environment, string folder)
    {
        var file = Path.Combine(folder, ".env");
        var lines = File.Exists(file) ? Parse(file, folder).Entries! : [];
        var variables = SourceNode.Map(environment.Place, [.. lines, .. environment.Entries!]);
        var path = CcpFile(variables.Find("BOT_CONFIG")?.Text, folder);
        var fleet = CcpReader.Read(new OldInputs(variables, path is null ? null : Parse(path, folder)) { IsProcess = true });
        fleet.Files = path is null ? [] : [Path.GetRelativePath(folder, path)];
        return fleet;
    }

    // Other programs have files of that name too, so it counts only if it says what it is.
    private static string? CcpFile(string? named, string folder) => CcpCandidates(named, folder).FirstOrDefault(path =>
    {
        if (!File.Exists(path)) return false;
        var text = SourceFile.Read(path, Path.GetRelativePath(folder, path));
        return text.Contains("\"coze_bot_id\"", StringComparison.Ordinal) && text.Contains("\"bot_token\"", StringComparison.Ordinal);
    });

    private static IEnumerable<string> CcpCandidates(string? named, string folder) =>
        [.. string.IsNullOrWhiteSpace(named) ? [] : new[] { Path.GetFullPath(named, folder) }, .. Candidates(CcpFolders, OldSystem.Ccp, folder)];

    private static IEnumerable<string> Candidates(IEnumerable<string> folders, OldSystem system, string folder) =>
        folders.SelectMany(start => Detection.Documents(system).Select(name => Path.GetFullPath(name, Path.Combine(folder, start))));

    private static SourceNode Parse(string path, string folder)
    {
        var name = Path.GetRelativePath(folder, path);
        return SourceFile.Parse(SourceFile.Read(path, name), name);
    }

    private static OldFleet Read(OldFolder folder, OldSystem system)
    {
        var inputs = folder.Inputs(system);
        var fleet = system switch
        {
            OldSystem.Cdp => CdpReader.Read(inputs),
            OldSystem.Ccp => CcpReader.Read(inputs),
            OldSystem.Cdb => CdbReader.Read(inputs),
            OldSystem.Rca => RcaReader.Read(inputs),
            _ => AiProxyReader.Read(inputs),
        };
        fleet.Files = folder.Files(system);
        return fleet;
    }

    private static MigrationException NothingFound(string path, bool isFolder, OldSystem? system)
    {
        var name = system?.NameOf() ?? "a system that can be migrated";
        if (!isFolder) return new MigrationException($"'{path}' is no configuration of {name}.");
        var systems = system is { } only ? [only] : Enum.GetValues<OldSystem>();
        var files = Detection.VariableFiles.Concat(systems.SelectMany(Detection.Documents)).Distinct();
        return new MigrationException($"'{path}' has no configuration that can be migrated. Looked for: {string.Join(", ", files)}.");
    }
}
