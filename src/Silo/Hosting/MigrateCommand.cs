using CozeCluster.Migration;
using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.Hosting;

/// <summary>What the command <c>migrate</c> was asked for.</summary>
/// <param name="Source">The file or folder of the old configuration.</param>
/// <param name="From">The mode of the old system; null: it is found out.</param>
/// <param name="Target">The fleet file to write.</param>
/// <param name="Force">Whether existing files are overwritten.</param>
/// <param name="InlineSecrets">Whether secrets are written into the fleet file.</param>
internal sealed record MigrateRequest(string Source, string? From, string Target, bool Force, bool InlineSecrets);

/// <summary>The command <c>migrate</c>: writes a fleet file from the configuration of an older system.</summary>
internal static class MigrateCommand
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Everybody = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <exception cref="StartException">The old configuration cannot be used.</exception>
    /// <exception cref="ClusterException">A file exists already, or cannot be written.</exception>
    public static int Run(MigrateRequest request, string folder, TextWriter output)
    {
        var target = Path.GetFullPath(request.Target, folder);
        var variables = Path.ChangeExtension(target, ".env");
        if (variables == target)
            throw new StartException("--out: the name of a fleet file cannot end with .env, because its variables are in a file of that name.");
        var fleet = Read(request, folder);
        var text = FleetText.Of(fleet, new FleetTextOptions
        {
            MakeKeys = true, InlineSecrets = request.InlineSecrets, VariablesFile = Path.GetFileName(variables),
        });
        var hasVariables = text.Variables.Count > 0 || text.MissingVariables.Count > 0;
        foreach (var path in hasVariables ? [target, variables] : new[] { target })
        {
            if (!request.Force && Path.Exists(path))
                throw new ClusterException(ErrorCode.StateConflict, $"{path} exists already. Name another file, or use --force.");
        }
        if (hasVariables) Write(variables, text.ToVariableLines(), OwnerOnly);
        Write(target, text.Yaml, request.InlineSecrets ? OwnerOnly : Everybody);

        output.WriteLine($"Wrote {target} from the configuration of {fleet.System.NameOf()} ({string.Join(", ", fleet.Files)}).");
        if (hasVariables) output.WriteLine($"Wrote {variables} with its secrets; only you can read it.");
        if (text.MissingVariables.Count > 0) output.WriteLine($"Set in it: {string.Join(", ", text.MissingVariables)}.");
        foreach (var note in fleet.Notes.OrderByDescending(note => note.IsImportant))
            output.WriteLine($"{(note.IsImportant ? "Important" : "Note")}: {note.Text}");
        return ExitCodes.Success;
    }

    private static OldFleet Read(MigrateRequest request, string folder)
    {
        OldSystem? system = null;
        if (request.From is { } mode && (system = OldSystems.Find(mode)) is null)
        {
            var modes = string.Join(", ", OldSystems.Modes);
            throw new StartException($"--from: expected one of {modes}, found '{mode}'.{Suggestion.For(mode, OldSystems.Modes)}");
        }
        try
        {
            return Migrator.Read(Path.GetFullPath(request.Source, folder), system);
        }
        catch (MigrationException e)
        {
            throw new StartException(e.Lines);
        }
    }

    // A file that existed may have been readable by others, so it is replaced and not overwritten.
    private static void Write(string path, string text, UnixFileMode mode)
    {
        var part = path + ".part";
        try
        {
            File.Delete(part);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = mode;
            using (var writer = new StreamWriter(part, options)) writer.Write(text);
            File.Move(part, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ClusterException(ErrorCode.Internal, $"The file {path} cannot be written: {e.Message}", inner: e);
        }
    }
}
