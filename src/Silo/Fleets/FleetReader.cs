using System.Text;

namespace CozeCluster.Silo.Fleets;

/// <summary>The result of reading a fleet file.</summary>
/// <param name="File">The fleet; null if there is any problem.</param>
/// <param name="Problems">All problems, in the order of the file.</param>
/// <param name="SecretFiles">Digests of the secret files that the fleet names, by full path; see <see cref="SecretFile"/>.</param>
internal sealed record FleetResult(FleetFile? File, IReadOnlyList<FleetProblem> Problems, IReadOnlyDictionary<string, string> SecretFiles);

/// <summary>Reads fleet files, and reports all problems of a file at once.</summary>
/// <param name="environment">Resolves <c>${NAME}</c>.</param>
/// <param name="isReachable">
/// Whether other machines can send API keys to the node. Then keys that are easy to guess are a problem, and not only a warning.
/// </param>
internal sealed class FleetReader(EnvironmentValues environment, bool isReachable = false)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads the bytes of a file.</summary>
    /// <param name="utf8">The content.</param>
    /// <param name="folder">The folder where relative paths start.</param>
    public FleetResult Read(ReadOnlySpan<byte> utf8, string folder)
    {
        try
        {
            return Read(StrictUtf8.GetString(utf8).TrimStart('\uFEFF'), folder);
        }
        catch (DecoderFallbackException)
        {
            return new FleetResult(null, [new(Place.Start, "The file is not UTF-8 text.")], new Dictionary<string, string>());
        }
    }

    /// <summary>Reads the text of a file.</summary>
    /// <param name="text">The content.</param>
    /// <param name="folder">The folder where relative paths start.</param>
    public FleetResult Read(string text, string folder)
    {
        var context = new FleetReadContext(environment, folder);
        var root = FleetYaml.Read(text, context.Problems);
        var file = root is null ? null : ReadRoot(context, root, isReachable);
        return Complete(context, file);
    }

    /// <summary>
    /// Reads a part of a fleet: sections and keys may be missing, references are not checked, and files cannot be named. Keys that are easy to guess are a
    /// problem.
    /// </summary>
    /// <param name="root">The content.</param>
    /// <param name="environment">Resolves <c>${NAME}</c>.</param>
    public static FleetResult ReadPart(YamlNode root, EnvironmentValues environment)
    {
        var context = new FleetReadContext(environment, folder: null);
        return Complete(context, ReadRoot(context, root, isReachable: true, isPart: true));
    }

    private static FleetResult Complete(FleetReadContext context, FleetFile? file)
    {
        var problems = context.Problems.OrderBy(problem => problem.Line).ThenBy(problem => problem.Column).Distinct().ToList();
        return new FleetResult(problems.Count == 0 ? file : null, problems, context.SecretFiles);
    }

    private static FleetFile? ReadRoot(FleetReadContext context, YamlNode root, bool isReachable, bool isPart = false)
    {
        if (root is not YamlMap yaml)
        {
            context.Report(new Place(root.Line, root.Column, ""), $"Expected the sections tenants, accounts, bots and models, found {root.Kind}.");
            return null;
        }
        var map = new FleetMap(context, yaml, "");
        var declaredVersion = map.Optional("version").Number(1, int.MaxValue);
        var timeouts = TimeoutsSection.Read(map.Optional("timeouts"), TurnTimeouts.Default);
        var declared = new Declared(
            TenantSection.Read(Section("tenants"), isPart),
            DiscordSection.Read(map.Optional("listeners")),
            AccountSection.Read(Section("accounts")),
            BotSection.Read(Section("bots"), timeouts),
            ModelSection.Read(Section("models")))
        {
            Endpoints = EndpointSection.Read(map.Optional("endpoints")),
            AllowUserAccounts = map.Optional("allow_user_accounts"),
            AllowWeakKeys = map.Optional("allow_weak_keys"),
        };
        var notifications = NotificationsSection.Read(map.Optional("notifications"));

        // Keys that begin with x- are for YAML anchors.
        map.ReportUnknownKeys(isAllowed: key => key.StartsWith("x-", StringComparison.Ordinal));
        FleetChecks.CheckUnique(context, declared);
        if (!isPart) FleetChecks.Run(declared);
        DiscordSection.CheckUserAccounts(declared);
        TenantSection.CheckStrength(context, declared, isReachable);
        EndpointSection.Check(declared, isReachable);
        return new FleetFile(
            [.. declared.Tenants.Select(tenant => tenant.Definition)],
            [.. declared.Accounts.Select(account => account.Account)],
            [.. declared.Bots.Select(bot => bot.Definition)],
            [.. declared.Models.Select(model => model.Definition)])
        {
            Endpoints = [.. declared.Endpoints.Select(endpoint => endpoint.Definition)],
            Listeners = [.. declared.Listeners.Select(listener => listener.Listener)],
            Warnings =
            [
                .. DiscordSection.Warnings(declared), .. TenantSection.Warnings(declared), .. EndpointSection.Warnings(declared),
                .. FleetChecks.Warnings(declared),
            ],
            Notifications = notifications,
            DeclaredVersion = declaredVersion,
        };

        FleetField Section(string name) => isPart ? map.Optional(name) : map.Required(name);
    }
}
