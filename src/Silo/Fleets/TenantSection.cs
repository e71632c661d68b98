using CozeCluster.Silo.SandboxMode;

namespace CozeCluster.Silo.Fleets;

/// <summary>Reads the section <c>tenants</c>.</summary>
internal static class TenantSection
{
    private const string ExpectedKey = "an API key: 1 to 256 printable ASCII characters, no spaces";
    private const string ExpectedHash = "the SHA-256 of an API key as 64 hexadecimal digits";
    private const string ExpectedHint = "a text of 1 to 40 characters by which people recognize the key";
    private const int MaxHint = 40;
    private const string ExpectedRole = "a role: owner, operator, viewer or tenant_admin";
    private const int MaxNames = 5;
    private const int MaxAliases = 200;
    private const string WeakKeyRefused =
        "This key is easy to guess, and other machines can reach the node. Make a random one (openssl rand -hex 24), or write "
        + "'allow_weak_keys: true' at the top level of the file.";

    private const string SandboxKeyRefused = "Keys that begin with 'sk-sandbox' are reserved for sandbox mode, because they are public. Choose a secret key.";

    /// <param name="section">The section.</param>
    /// <param name="mayLackKeys">Whether a tenant may have no keys.</param>
    public static IReadOnlyList<DeclaredTenant> Read(FleetField section, bool mayLackKeys) =>
        [.. section.List("tenant").Select(item => item.Map(map => ReadTenant(map, mayLackKeys))).OfType<DeclaredTenant>()];

    /// <summary>Reports keys that are easy to guess.</summary>
    /// <param name="context">Receives the problems.</param>
    /// <param name="declared">The fleet.</param>
    /// <param name="isReachable">Whether other machines can send keys to the node.</param>
    public static void CheckStrength(FleetReadContext context, Declared declared, bool isReachable)
    {
        var isAllowed = declared.AllowWeakKeys.Flag() ?? false;
        if (!isReachable || isAllowed) return;
        foreach (var key in declared.Tenants.SelectMany(tenant => tenant.Keys).Where(key => key.IsWeak)) context.Report(key.SecretAt, WeakKeyRefused);
    }

    /// <summary>What operators should know about the keys of a fleet.</summary>
    public static IReadOnlyList<string> Warnings(Declared declared)
    {
        var weak = declared.Tenants.SelectMany(tenant => tenant.Keys.Where(key => key.IsWeak).Select(key => $"{tenant.Definition.Id}/{key.Definition.Name}"));
        var names = weak.ToList();
        if (names.Count == 0) return [];
        var more = names.Count > MaxNames ? $" and {names.Count - MaxNames} more" : "";
        return [$"API keys that are easy to guess: {string.Join(", ", names.Take(MaxNames))}{more}. Make random ones: openssl rand -hex 24"];
    }

    private static DeclaredTenant ReadTenant(FleetMap map, bool mayLackKeys)
    {
        var id = map.Required("id");
        var section = mayLackKeys ? map.Optional("keys") : map.Required("keys");
        var keys = section.List("key").Select(item => item.Map(ReadKey)).OfType<DeclaredKey>().ToList();
        var aliases = map.Optional("aliases").Entries().Select(entry => (Alias: new ModelAlias(entry.Key, entry.Value.Text() ?? ""), At: entry.Value)).ToList();
        if (aliases.Count > MaxAliases) map.Optional("aliases").Report($"There are more than {MaxAliases} aliases.");
        var defaultModel = map.Optional("default_model");
        var definition = new TenantDefinition
        {
            Aliases = [.. aliases.Select(alias => alias.Alias)],
            DefaultModel = defaultModel.Text(),
            Id = id.Id(),
            Keys = [.. keys.Select(key => key.Definition)],
            MaxConcurrentTurns = map.Optional("max_concurrent_turns").Turns(),
            StoreConversations = map.Optional("store_conversations").Flag() ?? true,
            TelemetryContent = map.Optional("telemetry_content").Flag() ?? false,
            Limits = LimitsSection.Read(map.Optional("limits"), withTurns: false),
            Prepaid = map.Optional("prepaid").Flag() ?? false,
        };
        var modelNames = new DeclaredModelNames(aliases, definition.DefaultModel is { } model ? new Reference(model, defaultModel) : null);
        return new DeclaredTenant(id, definition, keys, modelNames);
    }

    private static DeclaredKey ReadKey(FleetMap map)
    {
        var name = map.Required("name");
        var key = map.Optional("key");
        var hash = map.Optional("hash");
        map.RequireOneOf("key", "hash");
        var plain = key.Text(text => text.Length is >= 1 and <= 256 && text.All(c => c is > ' ' and <= '~'), ExpectedKey);
        if (plain?.StartsWith(SandboxKeys.Prefix, StringComparison.Ordinal) == true) key.Report(SandboxKeyRefused);
        var digest = plain is not null ? GrainKeys.ApiKeyHash(plain) : hash.Text(IsHash, ExpectedHash)?.ToLowerInvariant();
        if (plain is null && digest is not null && SandboxKeys.Hashes.Contains(digest)) hash.Report(SandboxKeyRefused);
        var models = map.Optional("models").References("model");
        if (name.Text() == "anonymous") name.Report("'anonymous' is the name of requests without a key. Choose another one.");
        var (admin, role) = (map.Optional("admin"), map.Optional("role"));
        if (admin.Exists && role.Exists) role.Report("Write either 'admin' or 'role': 'admin: true' means 'role: owner'.");
        var adminRole = ReadRole(role);
        var definition = new ApiKeyDefinition(name.Title(), digest ?? "", adminRole is not null || (admin.Flag() ?? false))
        {
            ErrorText = map.Optional("error_text").Flag() ?? false,
            Compat = EndpointSection.ReadCompat(map.Optional("compat")),
            Models = [.. models.Select(model => model.Id)],
            IpRanges = KeyRulesSection.ReadRanges(map.Optional("ip")),
            ExpiresAt = KeyRulesSection.ReadTime(map.Optional("expires")),
            Disabled = map.Optional("disabled").Flag() ?? false,
            Limits = LimitsSection.Read(map.Optional("limits"), withTurns: true),
            ShowBot = map.Optional("show_bot").Flag() ?? false,
            Previous = map.Optional("previous").Map(ReadPrevious),
            Hint = map.Optional("hint").Text(text => text.Length <= MaxHint && !text.Any(char.IsControl), ExpectedHint),
            Role = adminRole,
        };
        if (definition.Previous is { } previous && previous.Hash == definition.Hash)
            map.Optional("previous").Report("The key before this one has the same secret.");
        return new DeclaredKey(name, (key.Exists ? key : hash).Place, definition, plain is not null && KeyStrength.IsWeak(plain), models);
    }

    private static PreviousApiKey ReadPrevious(FleetMap map) => new(
        map.Required("hash").Text(IsHash, ExpectedHash)?.ToLowerInvariant() ?? "", KeyRulesSection.ReadTime(map.Required("until")) ?? default);

    private static AdminRole? ReadRole(FleetField field)
    {
        var roles = Enum.GetValues<AdminRole>().ToDictionary(WireName.Of);
        return field.Text(roles.ContainsKey, ExpectedRole) is { } name ? roles[name] : null;
    }

    private static bool IsHash(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigit);
}
