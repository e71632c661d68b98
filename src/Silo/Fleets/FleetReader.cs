using System.Text;

namespace CozeCluster.Silo.Fleets;

/// <summary>What reading a fleet file came to.</summary>
/// <param name="File">The fleet; null if there is any problem.</param>
/// <param name="Problems">All mistakes, in the order of the file.</param>
/// <param name="SecretFiles">Digests of the secret files the fleet names, by full path; see <see cref="SecretFile"/>.</param>
internal sealed record FleetResult(FleetFile? File, IReadOnlyList<FleetProblem> Problems, IReadOnlyDictionary<string, string> SecretFiles);

/// <summary>Reads fleet files, finding every mistake in one go.</summary>
/// <param name="environment">Where <c>${NAME}</c> is looked up.</param>
internal sealed class FleetReader(EnvironmentValues environment)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads the bytes of a file.</summary>
    /// <param name="utf8">The content.</param>
    /// <param name="directory">Where relative paths in it start.</param>
    public FleetResult Read(ReadOnlySpan<byte> utf8, string directory)
    {
        try
        {
            return Read(StrictUtf8.GetString(utf8).TrimStart('\uFEFF'), directory);
        }
        catch (DecoderFallbackException)
        {
            return new FleetResult(null, [new(Place.Start, "The file is not UTF-8 text.")], new Dictionary<string, string>());
        }
    }

    /// <summary>Reads a text.</summary>
    public FleetResult Read(string text, string directory)
    {
        var reading = new FleetReading(environment, directory);
        var root = FleetYaml.Read(text, reading.Problems);
        var file = root is null ? null : ReadRoot(reading, root);
        var problems = reading.Problems.OrderBy(problem => problem.Line).ThenBy(problem => problem.Column).Distinct().ToList();
        return new FleetResult(problems.Count == 0 ? file : null, problems, reading.SecretFiles);
    }

    private static FleetFile? ReadRoot(FleetReading reading, FleetNode root)
    {
        if (root is not FleetMap map)
        {
            reading.Report(new Place(root.Line, root.Column, ""), $"Expected the sections tenants, accounts, bots and models, found {root.Kind}.");
            return null;
        }
        var reader = new MapReader(reading, map, "");
        var timeouts = TimeoutsSection.Read(reader.Optional("timeouts"), TurnTimeouts.Default);
        var declared = new Declared(
            TenantSection.Read(reader.Required("tenants")),
            DiscordSection.Read(reader.Optional("listeners")),
            AccountSection.Read(reader.Required("accounts")),
            BotSection.Read(reader.Required("bots"), timeouts),
            ModelSection.Read(reader.Required("models")))
        {
            AllowUserAccounts = reader.Optional("allow_user_accounts"),
        };
        var notices = NotificationsSection.Read(reader.Optional("notices"));

        // A place for anchors.
        reader.Close(alsoKnown: key => key.StartsWith("x-", StringComparison.Ordinal));
        FleetChecks.Run(reading, declared);
        return new FleetFile(
            [.. declared.Tenants.Select(tenant => tenant.Definition)],
            [.. declared.Accounts.Select(account => account.Account)],
            [.. declared.Bots.Select(bot => bot.Definition)],
            [.. declared.Models.Select(model => model.Definition)])
        {
            Listeners = [.. declared.Listeners.Select(listener => listener.Listener)],
            Warnings = DiscordSection.Warnings(declared),
            Notifications = notices,
        };
    }
}
