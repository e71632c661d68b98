using CozeCluster.Migration;

namespace CozeCluster.Silo.Hosting;

/// <summary>The environment of an older system in which a node was started, in place of a fleet file.</summary>
/// <param name="System">The system.</param>
/// <param name="Variables">The environment variables.</param>
/// <param name="Folder">The folder where the node was started.</param>
internal sealed record OldEnvironment(OldSystem System, IReadOnlyDictionary<string, string?> Variables, string Folder)
{
    /// <summary>The address of Discord's API; null: Discord's own.</summary>
    public string? DiscordUrl { get; init; }

    /// <summary>The port that the old system listened on; null if its configuration is not valid.</summary>
    public int? Port
    {
        get
        {
            try
            {
                return Migrator.ReadEnvironment(Variables, Folder)?.Endpoints[0].Port;
            }
            catch (MigrationException)
            {
                // Reported when the fleet is read.
                return null;
            }
        }
    }

    /// <summary>
    /// Finds the environment of an older system: where the settings ask for it, or where they name no fleet. An image names one that may not be there.
    /// </summary>
    public static OldEnvironment? Find(SettingSource source, string folder, bool sandbox)
    {
        var (wanted, fleet) = (source[Settings.FromEnv], source[Settings.Fleet]);
        var isWanted = wanted.Flag();
        if (isWanted && sandbox) wanted.Report($"sandbox mode has a fleet of its own; remove this option or {Settings.Sandbox.Option}.");
        if (isWanted && source.IsOnCommandLine(Settings.Fleet)) wanted.Report($"cannot be combined with {Settings.Fleet.Option}; use one of them.");
        if (sandbox || (wanted.IsSet && !isWanted)) return null;
        var hasFleet = fleet.IsSet && (source.IsOnCommandLine(Settings.Fleet) || File.Exists(Path.GetFullPath(fleet.Text!, folder)));
        if (hasFleet && !isWanted) return null;
        try
        {
            if (Migrator.SystemOf(source.Variables, folder) is { } system)
                return new(system, source.Variables, folder) { DiscordUrl = source[Settings.DiscordUrl].Text };
        }
        catch (MigrationException e) when (!isWanted || Report(e))
        {
            return null;
        }
        if (isWanted)
        {
            wanted.Report(
                "the environment has no fleet. coze-discord-proxy needs the variables USER_AUTHORIZATION, BOT_TOKEN, GUILD_ID and COZE_BOT_ID, coze-chat-proxy "
                + "the file bot.json.");
        }
        return null;

        bool Report(MigrationException e)
        {
            foreach (var line in e.Lines) wanted.Report(line);
            return true;
        }
    }

    /// <summary>The name of the system, without secrets.</summary>
    public override string ToString() => System.NameOf();
}
